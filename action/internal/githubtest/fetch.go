package githubtest

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The npm packages that hold GitHub's description, and the one file wanted from each.
const (
	restPackage  = "@octokit/openapi@23.0.2"
	restFile     = "package/generated/api.github.com.json"
	graphPackage = "@octokit/graphql-schema@15.25.0"
	graphFile    = "package/schema.graphql"
)

// cachedDescription returns the cut OpenAPI document and the GraphQL schema from the test cache,
// fetching and cutting them first when they are not there.
func cachedDescription() (rest, graph []byte, err error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, nil, fmt.Errorf("find the cache directory: %w", err)
	}
	dir := filepath.Join(base, "kubectl-gitops", "github-description")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("make the cache directory: %w", err)
	}
	rest, err = cached(filepath.Join(dir, "rest-"+cutName()+".json"), func() ([]byte, error) {
		full, err := packed(restPackage, restFile)
		if err != nil {
			return nil, err
		}
		return cut(full)
	})
	if err != nil {
		return nil, nil, err
	}
	graph, err = cached(filepath.Join(dir, "schema-15.25.0.graphql"), func() ([]byte, error) { return packed(graphPackage, graphFile) })
	return rest, graph, err
}

// cutName changes with the version and with the list of operations.
func cutName() string {
	h := sha256.New()
	for _, rt := range routes {
		fmt.Fprintln(h, rt.method, rt.template)
	}
	return fmt.Sprintf("23.0.2-%x", h.Sum(nil)[:6])
}

func cached(file string, produce func() ([]byte, error)) ([]byte, error) {
	if data, err := os.ReadFile(file); err == nil {
		return data, nil
	}
	data, err := produce()
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), "part-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		return nil, errors.Join(err, tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return nil, err
	}
	return data, os.Rename(tmp.Name(), file)
}

// packed downloads an npm package with npm itself and returns one file of it.
func packed(name, file string) ([]byte, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", name, err)
	}
	dir, err := os.MkdirTemp("", "npm-pack-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command(npm, "pack", "--silent", "--pack-destination", dir, name).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack %s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("npm pack %s left %d files", name, len(files))
	}
	return untar(files[0], file)
}

func untar(archive, want string) ([]byte, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if err != nil {
			return nil, fmt.Errorf("find %s in %s: %w", want, path.Base(archive), err)
		}
		if h.Name == want {
			return io.ReadAll(tr)
		}
	}
}

// cut keeps the operations of routes and the components they reach.
func cut(full []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(full, &doc); err != nil {
		return nil, fmt.Errorf("read GitHub's description: %w", err)
	}
	all, _ := doc["paths"].(map[string]any)
	paths := map[string]any{}
	for _, rt := range routes {
		item, _ := all[rt.template].(map[string]any)
		kept, _ := paths[rt.template].(map[string]any)
		if kept == nil {
			kept = map[string]any{}
			paths[rt.template] = kept
		}
		if op, ok := item[strings.ToLower(rt.method)]; ok {
			kept[strings.ToLower(rt.method)] = op
		}
	}
	components := map[string]any{}
	collect(doc, paths, components, nil)
	return json.Marshal(map[string]any{"openapi": doc["openapi"], "info": doc["info"], "paths": paths, "components": components})
}

// collect copies every component that v refers to, and what those refer to, into components.
func collect(doc map[string]any, v any, components map[string]any, trail []string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(doc, e, components, trail)
		}
	case map[string]any:
		delete(v, "examples")
		if ref, ok := v["$ref"].(string); ok && !slices.Contains(trail, ref) {
			parts := strings.Split(strings.TrimPrefix(ref, "#/components/"), "/")
			if len(parts) != 2 {
				return
			}
			source, _ := doc["components"].(map[string]any)
			kind, _ := source[parts[0]].(map[string]any)
			target, _ := components[parts[0]].(map[string]any)
			if target == nil {
				target = map[string]any{}
				components[parts[0]] = target
			}
			if _, done := target[parts[1]]; !done {
				target[parts[1]] = kind[parts[1]]
				collect(doc, kind[parts[1]], components, append(trail, ref))
			}
		}
		for _, e := range v {
			collect(doc, e, components, trail)
		}
	}
}
