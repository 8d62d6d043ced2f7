package render

import (
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/api/resource"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// plugins checks the configurations of generators, transformers and validators, which may name files in turn.
func (s *survey) plugins(k *kustomization) error {
	for _, entries := range [][]string{k.spec.Generators, k.spec.Transformers, k.spec.Validators} {
		for _, text := range entries {
			e := s.entryOf(k, text, "the configuration of a plugin")
			if e.refused {
				continue
			}
			var err error
			if e.inline {
				err = s.pluginConfigs(k, Origin{File: k.file, Line: k.lines.ofText(text) + 1}, e.objects)
			} else {
				err = s.pluginFile(k, text)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// pluginFile checks a file of configurations.
func (s *survey) pluginFile(k *kustomization, name string) error {
	real, ok, err := s.locate(k, name)
	if err != nil || !ok {
		return err
	}
	if s.isDir(real) {
		// Its patches could write an address into a configuration after this check.
		return s.refuse(k.problem(k.lines.of(name), "list the configuration files themselves",
			"%q is a directory: plugin configurations that are built by a kustomization are not supported", name))
	}
	data, err := s.readFile(real)
	if err != nil {
		return s.refuse(err)
	}
	if looksEncrypted(data) {
		return s.refuse(k.undecrypted(name))
	}
	before := len(s.problems)
	if s.syntax(real, data, 0); len(s.problems) > before {
		return nil
	}
	objects, err := parseObjects(data)
	if err != nil {
		return s.refuse(Problem{Origin: Origin{File: real}, Message: "the configuration of a plugin is not what Kustomize reads", Hint: "write apiVersion, kind and metadata.name"})
	}
	return s.pluginConfigs(k, Origin{File: real, Line: 1}, objects)
}

// pluginConfigs checks the paths in configurations of built-in plugins, as the library has parsed them. Others are refused by the
// library.
func (s *survey) pluginConfigs(k *kustomization, at Origin, objects []*resource.Resource) error {
	var names []string
	for _, o := range objects {
		name := o.GetKind() + "/" + o.GetName()
		if slices.Contains(names, name) {
			// Whether the library then takes the text for a path depends on what it has loaded before.
			return s.refuse(Problem{Origin: at, Message: fmt.Sprintf("two configurations are called %s", manifest.Printable(name)), Hint: "give each a metadata.name of its own"})
		}
		names = append(names, name)
		config, err := o.Map()
		if err != nil { // its text quotes the configuration
			return s.refuse(Problem{Origin: at, Message: "the configuration of a plugin is not what Kustomize reads", Hint: "write each key once"})
		}
		before := len(s.problems)
		if err := s.pluginPaths(k, at, "", config); err != nil {
			return err
		}
		if len(s.problems) > before {
			continue
		}
		s.notice(config, at)
		if err := s.pluginOpens(k, config); err != nil {
			return err
		}
	}
	return nil
}

// pluginOpens checks the files that a built-in plugin opens, except for those of generators.
func (s *survey) pluginOpens(k *kustomization, config map[string]any) error {
	check := s.plainFile
	var names []string
	switch config["kind"] {
	case "PatchTransformer", "PatchJson6902Transformer":
		names, check = texts(config, "path"), s.patchFile
	case "PatchStrategicMergeTransformer":
		names, check = texts(config, "paths"), s.patchEntry
	case "ValueAddTransformer":
		names = texts(config, "targetFilePath")
	case "ReplacementTransformer":
		check = s.replacementFile
		for key, value := range config {
			if list, ok := value.([]any); ok && sameKey(key, "replacements") {
				for _, item := range list {
					if replacement, ok := item.(map[string]any); ok {
						names = append(names, texts(replacement, "path")...)
					}
				}
			}
		}
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		if err := check(k, name); err != nil {
			return err
		}
	}
	return nil
}

// texts are the texts under a key, however it is written, and those in lists.
func texts(config map[string]any, field string) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if !sameKey(key, field) {
			continue
		}
		switch v := config[key].(type) {
		case string:
			all = append(all, v)
		case []any:
			for _, item := range v {
				if text, ok := item.(string); ok {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

// pluginPaths walks a configuration and checks the values of the fields that the library opens, wherever they stand.
func (s *survey) pluginPaths(k *kustomization, at Origin, field string, value any) error {
	switch v := value.(type) {
	case map[string]any:
		if v["kind"] == "HelmChartInflationGenerator" {
			return s.refuse(Problem{Origin: at, Message: helmMessage, Hint: "list the chart under helmCharts of the kustomization"})
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := s.pluginPaths(k, at, plainKey(key), v[key]); err != nil {
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
		if isAddress(value) {
			return s.refuse(Problem{Origin: at, Message: fmt.Sprintf("remote file %q: only files of the repository are read", redactURL(value)),
				Hint: vendorHint})
		}
	}
	return err
}
