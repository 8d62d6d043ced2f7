package action

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// readOthers reads what is rendered although it is no YAML by its name: JSON, and what a kustomization names.
func readOthers(root *os.Root, names []string, named map[string]bool) ([]bumper.File, error) {
	var out []bumper.File
	for _, name := range names {
		if !strings.EqualFold(path.Ext(name), ".json") && path.Base(name) != "Kustomization" && !named[name] {
			continue
		}
		info, err := root.Stat(name)
		if err != nil || info.Size() > maxFile {
			continue
		}
		data, err := root.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out = append(out, bumper.File{Path: name, Data: data})
	}
	return out, nil
}

// badObjects are Secrets that anybody can read, patches and generators that make such ones, and objects of which it depends on the reader what they are. Templates of
// charts are objects only when they are rendered.
func badObjects(root *os.Root, files []bumper.File, p checkPolicy, special map[string]bool) []Finding {
	var found []Finding
	read := func(name string) ([]byte, error) {
		info, err := root.Stat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
			return nil, fs.ErrNotExist
		}
		return root.ReadFile(name)
	}
	for _, f := range files {
		if !p.plainSecrets {
			for _, s := range slices.Concat(bumper.PlainSecrets(f), bumper.SecretsOfKustomization(f, read)) {
				found = append(found, Finding{File: f.Path, Line: s.Line, Rule: "secret", Message: s.Path + ": " + s.Reason})
			}
		}
		if dir, _, chart := strings.Cut(f.Path, "/templates/"); chart && special[dir] {
			continue
		}
		for _, m := range bumper.Malformed(f) {
			found = append(found, Finding{File: f.Path, Line: m.Line, Rule: "malformed", Message: m.Reason})
		}
	}
	return found
}
