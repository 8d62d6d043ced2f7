package render

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// rewrite gives the library a kustomization whose charts are resources and whose bases are those of its namespace.
func (s *survey) rewrite(k *kustomization) error {
	if len(k.spec.HelmCharts) == 0 && len(k.moved) == 0 && k.shown == k.dir && !oddLiterals(k.spec) {
		return nil
	}
	var fields map[string]any
	asJSON, err := yaml.YAMLToJSON(k.data)
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &fields)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Origin{File: k.file}, err)
	}
	for key := range fields { // the library does not mind the case of keys
		switch plainKey(key) {
		case "helmcharts", "helmglobals", "helmchartinflationgenerator", "resources", "bases", "components":
			delete(fields, key)
		}
	}
	fields["resources"] = append(k.movedOf(k.spec.Resources), k.rendered...)
	fields["components"] = k.movedOf(k.spec.Components)
	s.literals(k, fields)
	if k.data, err = safeyaml.JSON(fields); err != nil {
		return err
	}
	if k.shown == k.dir {
		s.plain[k.file] = k.data
	} else {
		s.plain[path.Join(k.shown, k.name)] = k.data
	}
	return nil
}

// movedOf returns entries with the paths to the variants that they lead to.
func (k *kustomization) movedOf(entries []string) []string {
	out := []string{}
	for _, entry := range entries {
		out = append(out, cmp.Or(k.moved[entry], entry))
	}
	return out
}

// oddLiterals reports whether a generator has a literal that the library cannot write as YAML, which it does on the way.
func oddLiterals(spec types.Kustomization) bool {
	all, _ := generatorArgs(spec)
	for _, args := range all {
		for _, literal := range args.LiteralSources {
			if isOdd(literal) {
				return true
			}
		}
	}
	return false
}

func isOdd(text string) bool { return len(safeyaml.Escape([]byte(text))) != len(text) }

// literals makes files of such literals, which exist in this render only: files are taken as they are.
func (s *survey) literals(k *kustomization, fields map[string]any) {
	for field, value := range fields {
		if !sameKey(field, "configMapGenerator") && !sameKey(field, "secretGenerator") {
			continue
		}
		entries, _ := value.([]any)
		for i, entry := range entries {
			generator, _ := entry.(map[string]any)
			var kept, files []any
			for key, value := range generator {
				list, _ := value.([]any)
				switch plainKey(key) {
				case "files":
					files = append(files, list...)
				case "literals":
					for j, item := range list {
						literal, _ := item.(string)
						name, content, found := strings.Cut(literal, "=")
						if !found || !isOdd(literal) {
							kept = append(kept, item)
							continue
						}
						file := fmt.Sprintf(".gitops-literal-%s-%d-%d", plainKey(field), i, j)
						s.plain[path.Join(k.shown, file)] = []byte(unquoted(content))
						files = append(files, name+"="+file)
					}
				default:
					continue
				}
				delete(generator, key)
			}
			if len(kept) > 0 {
				generator["literals"] = kept
			}
			if len(files) > 0 {
				generator["files"] = files
			}
		}
	}
}

// unquoted removes the quotes around a literal's value, as the library does.
func unquoted(text string) string {
	if n := len(text); n >= 2 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'') {
		return text[1 : n-1]
	}
	return text
}
