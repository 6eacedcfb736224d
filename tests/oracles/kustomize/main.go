// Command kustomize builds trees as `kustomize build` 5.8.1 does, many in one process.
//
// It reads requests from standard input until it ends: the number of files, then for each its path
// and its text, each as a 32-bit big-endian length and that many bytes. It builds the directory
// "top" and answers with one byte, 1 for success, and the output or the error in the same form.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

type file struct {
	path string
	text []byte
}

func main() {
	// Many short-lived trees: collect less often.
	debug.SetGCPercent(800)
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		files, err := readTree(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer(out, files)
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func readTree(in io.Reader) ([]file, error) {
	var texts uint32
	if err := binary.Read(in, binary.BigEndian, &texts); err != nil {
		return nil, err
	}
	files := make([]file, 0, texts/2)
	for range texts / 2 {
		path, err := read(in)
		if err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		text, err := read(in)
		if err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		files = append(files, file{string(path), text})
	}
	return files, nil
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

func answer(out io.Writer, files []file) {
	output, err := build(files)
	status := byte(1)
	if err != nil {
		status = 0
		output = []byte(err.Error())
	}
	out.Write([]byte{status})
	binary.Write(out, binary.BigEndian, uint32(len(output)))
	out.Write(output)
}

func build(files []file) (output []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	tree := filesys.MakeFsInMemory()
	schema := false
	for _, file := range files {
		schema = schema || strings.Contains(string(file.text), "openapi:")
		if err := tree.WriteFile(file.path, file.text); err != nil {
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
