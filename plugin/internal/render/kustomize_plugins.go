package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// plugins checks the configurations of generators, transformers and validators, which may name files in turn.
func (s *survey) plugins(k *kustomization) error {
	for _, entries := range [][]string{k.spec.Generators, k.spec.Transformers, k.spec.Validators} {
		for _, entry := range entries {
			if isInline(entry) {
				if err := s.pluginConfig(k, k.file, []byte(entry), k.lines.ofText(entry)); err != nil {
					return err
				}
				continue
			}
			real, ok, err := s.locate(k, entry)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if s.isDir(real) {
				// Its patches could write an address into a configuration after this check.
				err = s.refuse(k.problem(k.lines.of(entry), "list the configuration files themselves",
					"%q is a directory: plugin configurations that are built by a kustomization are not supported", entry))
			} else if data, readErr := s.readFile(real); readErr != nil {
				err = s.refuse(readErr)
			} else {
				err = s.pluginConfig(k, real, data, 0)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// pluginConfig checks the paths in the configuration of a built-in plugin. Others are refused by the library.
func (s *survey) pluginConfig(k *kustomization, file string, text []byte, after int) error {
	before := len(s.problems)
	s.syntax(file, text, after)
	if len(s.problems) > before {
		return nil
	}
	docs, _ := documents(file, text)
	for _, doc := range docs {
		value, err := toValue(doc.text, false)
		if err != nil {
			return fmt.Errorf("%s: %w", Origin{file, doc.line + after}, err)
		}
		if err := s.pluginPaths(k, Origin{file, doc.line + after}, "", value); err != nil {
			return err
		}
	}
	return nil
}

// pluginPaths walks a configuration and checks the values of the fields that the library opens.
func (s *survey) pluginPaths(k *kustomization, at Origin, field string, value any) error {
	switch v := value.(type) {
	case map[string]any:
		if v["kind"] == "HelmChartInflationGenerator" {
			return s.refuse(Problem{Origin: at, Message: helmMessage, Hint: "list the chart under helmCharts of the kustomization"})
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := s.pluginPaths(k, at, strings.ToLower(key), v[key]); err != nil {
				return err
			}
		}
	case []any:
		for _, inner := range v {
			if err := s.pluginPaths(k, at, field, inner); err != nil {
				return err
			}
		}
	case string:
		return s.pluginPath(k, at, field, v)
	}
	return nil
}

func (s *survey) pluginPath(k *kustomization, at Origin, field, value string) error {
	var err error
	switch field {
	case "files":
		_, err = s.generatorFile(k, value)
	case "env", "envs":
		err = s.envFile(k, value)
	case "path", "paths", "targetfilepath":
		// path is a file in some plugins and a field of an object in others: only an address is wrong in both.
		if isRemote(value) {
			return s.refuse(Problem{Origin: at, Message: fmt.Sprintf("remote file %q: only files of the repository are read", redactURL(value)),
				Hint: vendorHint})
		}
	}
	return err
}
