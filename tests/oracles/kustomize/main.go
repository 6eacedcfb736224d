// Command kustomize builds trees as `kustomize build` 5.8.1 does, many in one process.
//
// A question is a path and a text for each file; the answer is what the directory "top" comes to.
package main

import (
	"runtime/debug"
	"strings"

	"github.com/perigee-dev/perigee/tests/oracles/frame"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

func main() {
	// Many short-lived trees: collect less often.
	debug.SetGCPercent(800)
	frame.Serve(build)
}

func build(files [][]byte) ([]byte, error) {
	tree := filesys.MakeFsInMemory()
	schema := false
	for index := 0; index+1 < len(files); index += 2 {
		text := files[index+1]
		schema = schema || strings.Contains(string(text), "openapi:")
		if err := tree.WriteFile(string(files[index]), text); err != nil {
			return nil, err
		}
	}
	if schema {
		// A schema outlives the build that brings it, and the program starts without any.
		openapi.ResetOpenAPI()
		defer openapi.ResetOpenAPI()
	}
	options := &krusty.Options{
		Reorder:          krusty.ReorderOptionLegacy,
		LoadRestrictions: types.LoadRestrictionsRootOnly,
		PluginConfig:     types.DisabledPluginConfig(),
	}
	resources, err := krusty.MakeKustomizer(options).Run(tree, "top")
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}
