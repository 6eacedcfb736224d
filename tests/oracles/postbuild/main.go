// Says what Flux's post-build substitution makes of manifests, one question after another.
//
// A question is a mode ("text" or "objects"), settings as JSON, and a text.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/fluxcd/pkg/envsubst"
	flux "github.com/fluxcd/pkg/kustomize"
	"github.com/perigee-dev/perigee/tests/oracles/frame"
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
	frame.Serve(func(texts [][]byte) ([]byte, error) {
		if len(texts) != 3 {
			return nil, fmt.Errorf("%d texts instead of three", len(texts))
		}
		var with settings
		if err := json.Unmarshal(texts[1], &with); err != nil {
			return nil, err
		}
		return run(string(texts[0]), with, texts[2])
	})
}

func run(mode string, with settings, text []byte) ([]byte, error) {
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
