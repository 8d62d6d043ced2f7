package action

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
)

// checkRendering renders every app of dir/head as the cluster would, and returns those that fail and do not fail in the same way in
// dir/base. notRendered are the changed files that no app is rendered from. Without a base nothing has changed, so there are none.
func checkRendering(ctx context.Context, p checkPolicy, dir string) (found []Finding, notRendered []string, err error) {
	look := rendering{program: p.renderer, dir: dir, plainSecrets: p.plainSecrets, roots: rootsOf(dir, p.paths)}
	found, notRendered, err = look.failures(ctx, filepath.Join(dir, "base"), filepath.Join(dir, "head"))
	if err != nil || isEmpty(filepath.Join(dir, "base")) {
		return found, nil, err
	}
	if len(found) > 0 {
		old, _, err := look.failures(ctx, filepath.Join(dir, "base"), filepath.Join(dir, "base"))
		if err != nil {
			return nil, nil, err
		}
		found = slices.DeleteFunc(found, func(f Finding) bool {
			return slices.ContainsFunc(old, func(o Finding) bool { return o.Message == f.Message })
		})
	}
	return found, notRendered, nil
}

func isEmpty(dir string) bool {
	list, err := os.ReadDir(dir)
	return err != nil || len(list) == 0
}

// failures returns the apps of head that cannot be rendered.
func (r rendering) failures(ctx context.Context, base, head string) (found []Finding, notRendered []string, err error) {
	roots := r.roots
	if len(roots) == 0 {
		roots = []string{""}
	}
	for _, root := range roots {
		args := []string{"-o", "json", "--max-bytes", "1"}
		if root != "" {
			args = append(args, "--path", root)
		}
		text, err := r.compare(ctx, base, head, args...)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil { // a directory that is not there
			found = append(found, findingOf(cmp.Or(root, "."), "render", display.OneLine(err.Error())))
			continue
		}
		failed, unread, err := readPreview(text, head)
		if err != nil {
			return nil, nil, err
		}
		found, notRendered = append(found, failed...), append(notRendered, unread...)
	}
	return found, notRendered, nil
}

// readPreview reads what the program printed about the repository in a directory.
func readPreview(text, dir string) (found []Finding, notRendered []string, err error) {
	var answer struct {
		Apps        []struct{ Name, Entry, Path, Error string }
		NotRendered []string
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return nil, nil, fmt.Errorf("read what kubectl-gitops printed: %w", err)
	}
	for _, a := range answer.Apps {
		if a.Error == "" {
			continue
		}
		f := findingOf(a.Path, "render", display.OneLine(a.Error))
		switch {
		case isFile(dir, f.File):
		case isFile(dir, path.Join(a.Path, f.File)):
			f.File = path.Join(a.Path, f.File)
		default:
			f.File, f.Line = a.Path, 0
		}
		name := a.Name
		if a.Entry != "" {
			name += " of " + a.Entry
		}
		f.Message = name + " cannot be rendered: " + f.Message
		found = append(found, f)
	}
	return found, answer.NotRendered, nil
}

func isFile(dir, name string) bool {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false
	}
	defer root.Close()
	info, err := root.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
