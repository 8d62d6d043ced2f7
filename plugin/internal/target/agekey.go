package target

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// maxKeyFile bounds the file of the age key, in bytes.
const maxKeyFile = 64 << 10

// Renderer returns how to render what the flags name. The file of the age key is read for every render, so that a key
// that was exchanged is taken without a restart; the key goes to the child's standard input and nowhere else.
func (f *Flags) Renderer(n Notices) RenderFunc {
	dir := f.KeylessRenderer(n)
	if f.AgeKeyFile == "" && f.auth.Dir == "" {
		return dir
	}
	return func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error) {
		keys, err := f.ageKeys()
		if err != nil {
			return nil, hint.With(err, "an age key is a file as age-keygen writes it")
		}
		return dir(ctx, root, path, withKeys(o, keys))
	}
}

// ageKey is one file of keys, by the name that gitops.yaml gives it.
type ageKey struct{ name, text string }

// withKeys lets a render use the keys that its app may use.
func withKeys(o render.Options, keys []ageKey) render.Options {
	var all strings.Builder
	var given []string
	for _, k := range keys {
		given = append(given, k.name)
		if o.Keys == nil || slices.Contains(o.Keys, k.name) {
			all.WriteString(k.text + "\n")
		}
	}
	if o.AgeKeys = ""; all.Len() > 0 {
		o.AgeKeys = render.KeyFile(all.String())
	}
	switch {
	case o.Keys == nil || len(keys) == 0:
	case len(o.Keys) == 0:
		o.KeysHint = fmt.Sprintf("the app is confined, so gitops.yaml has to name the keys that it may use, as in `ageKeys: [%s]`", given[0])
	default:
		o.KeysHint = fmt.Sprintf("gitops.yaml lets the app use %s; the given keys are %s", strings.Join(o.Keys, ", "), strings.Join(given, ", "))
	}
	return o
}

// ageKeys returns the keys of --age-key-file, or of the files *.agekey in the directory of credentials: Flux reads keys
// of Secrets by that name.
func (c *Credentials) ageKeys() ([]ageKey, error) {
	files := []string{c.AgeKeyFile}
	if c.AgeKeyFile == "" {
		var err error
		if files, err = filepath.Glob(filepath.Join(c.auth.Dir, "*.agekey")); err != nil {
			return nil, err
		}
	}
	var keys []ageKey
	for _, name := range files {
		text, err := readKeyFile(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, ageKey{filepath.Base(name), text})
	}
	return keys, nil
}

func readKeyFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxKeyFile)
	}
	return string(text), err
}
