// Says what Flux's post-build substitution makes of manifests, one question after another.
//
// A question is a mode ("text" or "objects"), settings as JSON, and a text.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/pkg/envsubst"
	flux "github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/hasher"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
)

type settings struct {
	Variables map[string]string `json:"variables"`
	Strict    bool              `json:"strict"`
	Always    bool              `json:"always"`
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		question, err := read(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil && len(question) != 3 {
			err = fmt.Errorf("%d texts instead of three", len(question))
		}
		var with settings
		if err == nil {
			err = json.Unmarshal(question[1], &with)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer(out, string(question[0]), with, question[2])
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func read(in io.Reader) ([][]byte, error) {
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

func answer(out io.Writer, mode string, with settings, text []byte) {
	output, err := run(mode, with, text)
	status := byte(1)
	if err != nil {
		status = 0
		output = []byte(err.Error())
	}
	out.Write([]byte{status})
	binary.Write(out, binary.BigEndian, uint32(len(output)))
	out.Write(output)
}

func run(mode string, with settings, text []byte) (output []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	switch mode {
	case "text":
		value, err := envsubst.Eval(string(text), func(name string) (string, bool) {
			value, exists := with.Variables[name]
			return value, exists || !with.Strict
		})
		return []byte(value), err
	case "objects":
		return objects(with, text)
	}
	return nil, fmt.Errorf("no mode %q", mode)
}

// objects does to the objects of a build what kustomize-controller does.
func objects(with settings, text []byte) ([]byte, error) {
	factory := resmap.NewFactory(resource.NewFactory(&hasher.Hasher{}))
	built, err := factory.NewResMapFromBytes(text)
	if err != nil {
		return nil, err
	}
	variables := map[string]any{}
	for name, value := range with.Variables {
		variables[name] = value
	}
	kustomization := unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"postBuild": map[string]any{"substitute": variables}},
	}}
	for _, one := range built.Resources() {
		done, err := flux.SubstituteVariables(context.Background(), nil, kustomization, one,
			flux.SubstituteWithStrict(with.Strict), flux.SubstituteWithAlways(with.Always))
		if err != nil {
			return nil, fmt.Errorf("post build failed for '%s/%s': %w", one.GetGvk(), one.GetName(), err)
		}
		if done != nil {
			if _, err := built.Replace(one); err != nil {
				return nil, err
			}
		}
	}
	return built.AsYaml()
}
