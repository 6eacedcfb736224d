// Says what Go's regular expressions find, one question after another.
//
// A question is a pattern and texts; the answer has a byte for each text, "1" where the pattern is found.
package main

import (
	"errors"
	"regexp"

	"github.com/perigee-dev/perigee/tests/oracles/frame"
)

func main() {
	frame.Serve(func(texts [][]byte) ([]byte, error) {
		if len(texts) == 0 {
			return nil, errors.New("no pattern")
		}
		pattern, err := regexp.Compile(string(texts[0]))
		if err != nil {
			return nil, err
		}
		found := []byte{}
		for _, text := range texts[1:] {
			if pattern.Match(text) {
				found = append(found, '1')
			} else {
				found = append(found, '0')
			}
		}
		return found, nil
	})
}
