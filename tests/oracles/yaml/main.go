// Command yaml answers how Go's YAML libraries read and print a text, in the versions that
// kustomize 5.8.1 resolves.
//
// It reads requests from standard input until it ends: a mode and a text, each as a 32-bit
// big-endian length and that many bytes. It answers each with one byte, 1 for success, and the
// output or the error in the same form.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

var modes = map[string]func([]byte) ([]byte, error){
	"object":   object,
	"json":     objectJSON,
	"rewrite":  rewrite,
	"comments": rewriteDocument,
	"stream":   stream,
	"config":   yaml.YAMLToJSON,
	"print":    yaml.JSONToYAML,
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		var texts uint32
		err := binary.Read(in, binary.BigEndian, &texts)
		if errors.Is(err, io.EOF) {
			return
		}
		var mode, text []byte
		if err == nil {
			mode, err = read(in)
		}
		if err == nil {
			text, err = read(in)
		}
		if err != nil || texts != 2 {
			fmt.Fprintln(os.Stderr, "a mode and a text are asked for:", err)
			os.Exit(1)
		}
		answer(out, string(mode), text)
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func read(in io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	text := make([]byte, length)
	_, err := io.ReadFull(in, text)
	return text, err
}

func answer(out io.Writer, mode string, text []byte) {
	output, err := run(mode, text)
	status := byte(1)
	if err != nil {
		status = 0
		output = []byte(err.Error())
	}
	out.Write([]byte{status})
	binary.Write(out, binary.BigEndian, uint32(len(output)))
	out.Write(output)
}

func run(mode string, text []byte) (output []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	handle, ok := modes[mode]
	if !ok {
		return nil, fmt.Errorf("no mode %q", mode)
	}
	return handle(text)
}

// rewrite parses the first document and writes it as kyaml does.
func rewrite(text []byte) ([]byte, error) {
	var document yaml3.Node
	if err := yaml3.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if document.Kind == 0 {
		return nil, nil
	}
	return encode(document.Content[0])
}

// rewriteDocument writes the first document as kyaml does, with the comments before and after it.
func rewriteDocument(text []byte) ([]byte, error) {
	var document yaml3.Node
	if err := yaml3.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if document.Kind == 0 {
		return nil, nil
	}
	return encode(&document)
}

func encode(node *yaml3.Node) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml3.NewEncoder(&out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(node); err != nil {
		return nil, err
	}
	if err := encoder.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// objectJSON is what kustomize encodes an object as, on its way to YAML.
func objectJSON(text []byte) ([]byte, error) {
	var document yaml3.Node
	if err := yaml3.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if document.Kind == 0 {
		return nil, nil
	}
	root := document.Content[0]
	written, err := encode(root)
	if err != nil {
		return nil, err
	}
	if root.Kind == yaml3.SequenceNode {
		var list []interface{}
		if err := yaml3.Unmarshal(written, &list); err != nil {
			return nil, err
		}
		return json.Marshal(list)
	}
	object := map[string]interface{}{}
	if err := yaml3.Unmarshal(written, &object); err != nil {
		return nil, err
	}
	return json.Marshal(object)
}

// object is what kustomize prints an object as.
func object(text []byte) ([]byte, error) {
	encoded, err := objectJSON(text)
	if err != nil || encoded == nil {
		return nil, err
	}
	return yaml.JSONToYAML(encoded)
}

// stream parses every document and counts them.
func stream(text []byte) ([]byte, error) {
	decoder := yaml3.NewDecoder(bytes.NewReader(text))
	for count := 0; ; count++ {
		var document yaml3.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return []byte(fmt.Sprint(count)), nil
		}
		if err != nil {
			return nil, err
		}
	}
}
