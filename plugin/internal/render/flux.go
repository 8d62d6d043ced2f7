package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// fluxIgnores are what source-controller leaves out unless a .sourceignore says otherwise.
var fluxIgnores = []string{
	".git/", ".gitignore", ".gitmodules", ".gitattributes",
	"*.jpg", "*.jpeg", "*.gif", "*.png", "*.wmv", "*.flv", "*.tar.gz", "*.zip",
	".github/", ".circleci/", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml", "codeship-services.yml", "codeship-steps.yml",
	"**/.goreleaser.yml", "**/.sops.yaml", "**/.flux.yaml",
}

// renderFlux renders dir, which has no kustomization, with a generated one.
func renderFlux(ctx context.Context, t *tree, dir string, o Options) ([]Object, error) {
	real, err := t.resolve(dir)
	if err != nil {
		return nil, err
	}
	w := &fluxWalker{tree: t, ctx: ctx, top: real}
	if err := w.readIgnores(); err != nil {
		return nil, t.refuse(err)
	}
	if err := w.directory(real, 0); err != nil || len(t.problems) > 0 {
		return nil, err
	}
	if len(w.resources) == 0 {
		return nil, nil
	}
	content, err := safeyaml.JSON(map[string]any{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": w.resources})
	if err != nil {
		return nil, err
	}
	t.generatedAt, t.plain[path.Join(real, kustomizationNames[0])] = real, content
	return renderKustomize(ctx, t, dir, o)
}

// fluxWalker collects the resources of a generated kustomization.
type fluxWalker struct {
	*tree
	ctx       context.Context
	top       string
	patterns  []gitignore.Pattern // the last one that matches counts
	resources []string
}

const sourceIgnore = ".sourceignore"

// readIgnores reads the .sourceignore files above the directory, from the root down, and our own ignore file in it.
func (w *fluxWalker) readIgnores() error {
	for _, p := range fluxIgnores {
		w.patterns = append(w.patterns, gitignore.ParsePattern(p, nil))
	}
	if w.top == "." {
		return w.readIgnore(".", ignoreFile)
	}
	at := "."
	for part := range strings.SplitSeq(w.top, "/") {
		if err := w.readIgnore(at, sourceIgnore); err != nil {
			return err
		}
		at = path.Join(at, part)
	}
	return w.readIgnore(w.top, ignoreFile)
}

// readIgnore adds the patterns of a file, which are about its own directory.
func (w *fluxWalker) readIgnore(dir, name string) error {
	data, err := w.readFile(path.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			w.patterns = append(w.patterns, gitignore.ParsePattern(line, elements(dir)))
		}
	}
	return nil
}

// elements are the elements of a path from the root.
func elements(name string) []string {
	if name == "." {
		return nil
	}
	return strings.Split(name, "/")
}

func (w *fluxWalker) ignored(name string, isDir bool) bool {
	return gitignore.NewMatcher(w.patterns).Match(elements(name), isDir)
}

// directory adds what lies in a resolved directory, in the order of names.
func (w *fluxWalker) directory(dir string, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if depth > w.limits.Depth {
		return w.refuse(Problem{Origin: Origin{File: dir}, Message: fmt.Sprintf("more than %d directories deep", w.limits.Depth)})
	}
	if err := w.readIgnore(dir, sourceIgnore); err != nil {
		return w.refuse(err)
	}
	list, err := w.entries(dir)
	if err != nil {
		return fmt.Errorf("directory %q: %w", dir, err)
	}
	for _, entry := range list {
		name := path.Join(dir, entry.Name())
		if w.ignored(name, entry.IsDir()) {
			continue
		}
		switch ext := path.Ext(name); {
		case entry.IsDir() && w.hasKustomization(name):
			w.add(name)
		case entry.IsDir():
			if err := w.directory(name, depth+1); err != nil {
				return err
			}
		case entry.Type().IsRegular() && (ext == ".yaml" || ext == ".yml"):
			if err := w.file(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *fluxWalker) hasKustomization(dir string) bool {
	return slices.ContainsFunc(kustomizationNames, func(name string) bool {
		at := path.Join(dir, name)
		info, err := w.root.Lstat(at)
		return err == nil && info.Mode().IsRegular() && !w.ignored(at, false)
	})
}

// file adds a manifest. Files of ours, which no cluster serves, are left out.
func (w *fluxWalker) file(name string) error {
	data, err := w.readFile(name)
	if err != nil {
		return w.refuse(err)
	}
	if strings.Contains(string(data), ourFiles) {
		objects, problems := decodeFile(name, data, w.limits)
		ours := slices.ContainsFunc(objects, func(o Object) bool { return isForPushHalf(o) || isAppList(o) })
		if len(problems) == 0 && ours && len(objects) == 1 {
			return nil
		}
	}
	w.add(name)
	return nil
}

func (w *fluxWalker) add(name string) {
	relative := name
	if w.top != "." {
		relative = strings.TrimPrefix(name, w.top+"/")
	}
	w.resources = append(w.resources, "./"+relative)
}
