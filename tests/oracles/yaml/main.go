// Command yaml answers how Go's YAML libraries read and print a text, in the versions that
// kustomize 5.8.1 resolves.
//
// A question is a mode and a text.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/perigee-dev/perigee/tests/oracles/frame"
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
	frame.Serve(func(texts [][]byte) ([]byte, error) {
		if len(texts) != 2 {
			return nil, fmt.Errorf("%d texts instead of a mode and a text", len(texts))
		}
		handle, ok := modes[string(texts[0])]
		if !ok {
			return nil, fmt.Errorf("no mode %q", texts[0])
		}
		return handle(texts[1])
	})
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
