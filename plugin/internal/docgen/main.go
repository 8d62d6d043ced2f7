// Command docgen writes the reference part of the documentation from the code: docs/cli from the command tree,
// docs/schemas from the types that -o json prints, docs/annotations.md from the constants, and manual pages. It does
// NOT know what any of them means: what is wrong on a page is wrong in the code.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-gitops/kubectl-gitops/plugin"
)

func main() {
	root := flag.String("root", ".", "checkout to read and to write docs/ of")
	man := flag.String("man", "", "write manual pages into this directory, and nothing else")
	version := flag.String("version", "", "version in the foot of manual pages")
	flag.Parse()
	if err := run(*root, *man, *version); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(root, man, version string) error {
	if man != "" {
		return write(man, manPages(tree(), version))
	}
	pages, err := reference(root)
	if err != nil {
		return err
	}
	for _, dir := range generatedDirectories { // what the code no longer has must go
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			return err
		}
	}
	return write(root, pages)
}

// generatedDirectories hold nothing that is written by hand.
var generatedDirectories = [...]string{"docs/cli", "docs/schemas"}

// reference returns the generated files below root, by their path.
func reference(root string) (map[string]string, error) {
	pages := cliPages(tree())
	code, err := parse(filepath.Join(root, "plugin"))
	if err != nil {
		return nil, err
	}
	schemas, err := code.schemas()
	if err != nil {
		return nil, err
	}
	maps.Copy(pages, schemas)
	page, err := code.annotationsPage()
	if err != nil {
		return nil, err
	}
	pages["docs/annotations.md"] = page
	return pages, nil
}

func tree() command {
	return command{plugin.Command(genericiooptions.IOStreams{In: os.Stdin, Out: io.Discard, ErrOut: io.Discard})}
}

func write(root string, pages map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(pages[name]), 0o644)); err != nil {
			return err
		}
	}
	return nil
}
