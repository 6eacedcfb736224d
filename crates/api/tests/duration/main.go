// Prints what Go makes of the duration texts on standard input, one JSON array a line:
// [text, nanoseconds, printed form] or [text, error].
//
// go run tests/duration/main.go < tests/duration/texts.json > tests/duration/cases.jsonl
package main

import (
	"encoding/json"
	"os"
	"time"
)

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, text := range texts {
		row := []any{text}
		if d, err := time.ParseDuration(text); err != nil {
			row = append(row, err.Error())
		} else {
			row = append(row, int64(d), d.String())
		}
		if err := out.Encode(row); err != nil {
			panic(err)
		}
	}
}
