package plugin

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// maxKeyFile bounds the file of the age key, in bytes.
const maxKeyFile = 64 << 10

// renderer returns how to render what the flags name. The file of the age key is read for every render, so that a key
// that was exchanged is taken without a restart; the key goes to the child's standard input and nowhere else.
func (f *sourceFlags) renderer(u *ui) func(context.Context, *os.Root, string, render.Options) ([]render.Object, error) {
	dir := renderer(u)
	if f.ageKeyFile == "" && f.auth.Dir == "" {
		return dir
	}
	return func(ctx context.Context, root *os.Root, path string, o render.Options) ([]render.Object, error) {
		text, err := f.ageKeys()
		if err != nil {
			return nil, hint.With(err, "an age key is a file as age-keygen writes it")
		}
		o.AgeKeys = render.KeyFile(text)
		return dir(ctx, root, path, o)
	}
}

// ageKeys returns the keys of --age-key-file, or of the files *.agekey in the directory of credentials: Flux reads keys
// of Secrets by that name.
func (f *sourceFlags) ageKeys() (string, error) {
	files := []string{f.ageKeyFile}
	if f.ageKeyFile == "" {
		var err error
		if files, err = filepath.Glob(filepath.Join(f.auth.Dir, "*.agekey")); err != nil {
			return "", err
		}
	}
	var all strings.Builder
	for _, name := range files {
		text, err := readKeyFile(name)
		if err != nil {
			return "", err
		}
		all.WriteString(text + "\n")
	}
	return all.String(), nil
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
