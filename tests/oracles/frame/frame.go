// Package frame is how an oracle talks: see the crate oracle, which asks.
package frame

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Serve answers questions from standard input, some texts each, until it ends. What panics is an error, too.
func Serve(answer func(texts [][]byte) ([]byte, error)) {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		texts, err := question(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "reading a question:", err)
			os.Exit(1)
		}
		text, err := safely(answer, texts)
		status := byte(1)
		if err != nil {
			status, text = 0, []byte(err.Error())
		}
		out.WriteByte(status)
		binary.Write(out, binary.BigEndian, uint32(len(text)))
		out.Write(text)
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func safely(answer func([][]byte) ([]byte, error), texts [][]byte) (text []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return answer(texts)
}

func question(in io.Reader) ([][]byte, error) {
	var count uint32
	if err := binary.Read(in, binary.BigEndian, &count); err != nil {
		return nil, err
	}
	texts := make([][]byte, count)
	for index := range texts {
		var length uint32
		if err := binary.Read(in, binary.BigEndian, &length); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		texts[index] = make([]byte, length)
		if _, err := io.ReadFull(in, texts[index]); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return texts, nil
}
