package render

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

const helmMessage = "a HelmChartInflationGenerator is not supported"

// follow checks every path a kustomization names, and visits its bases.
func (s *survey) follow(k *kustomization) error {
	steps := []func(*kustomization) error{s.resources, s.components, s.plainFiles, s.patches, s.generators, s.plugins, s.charts,
		func(k *kustomization) error { return k.layer.survey(s, k) }, s.rewrite}
	for _, step := range steps {
		if err := step(k); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) resources(k *kustomization) error {
	for _, name := range k.spec.Resources {
		real, ok, err := s.locate(k, name)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if s.isDir(real) {
			err = s.base(k, name, real)
		} else {
			err = s.resourceFile(k, real)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) components(k *kustomization) error {
	for _, name := range k.spec.Components {
		real, ok, err := s.locate(k, name)
		if err == nil && ok {
			err = s.base(k, name, real)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) base(k *kustomization, name, real string) error {
	base, err := s.visit(real, Origin{File: k.file, Line: k.lines.of(name)})
	if err != nil {
		return s.refuse(err)
	}
	if err := k.uses(base, name); err != nil {
		return err
	}
	if to := k.moved[name]; isRemote(to) { // a link may have led there
		return s.refuse(k.problem(k.lines.of(name), "give the directory another name", "%q leads to directory %q: Kustomize would read it as an address", name, base.dir))
	}
	k.loads = min(k.loads+base.loads, maxLoads+1)
	k.items = min(k.items+base.items, s.limits.Objects+1)
	return nil
}

// resourceFile decodes a manifest, for its errors and for the lines of its objects.
func (s *survey) resourceFile(k *kustomization, real string) error {
	objects, seen := s.docs[real]
	if !seen {
		data, err := s.readFile(real)
		if err != nil {
			return s.refuse(err)
		}
		var problems Problems
		objects, problems = s.manifests(real, data)
		for i := range problems {
			if strings.HasPrefix(problems[i].Message, notAnObject) {
				problems[i].Hint = "remove the file from the resources of " + k.file
				if k.generated {
					problems[i].Hint = "Flux applies every YAML file below the directory: list the file in " + sourceIgnore + " if it is meant for something else"
				}
			}
		}
		for _, o := range objects {
			problems = append(problems, kustomizable(o)...)
			s.keepSecret(o)
		}
		s.problems = append(s.problems, problems...)
		s.docs[real] = objects
		s.readable(real, data)
	}
	k.items = min(k.items+len(objects), s.limits.Objects+1)
	return nil
}

// kustomizable says what the library needs of an object; its own errors print the whole object.
func kustomizable(o Object) Problems {
	c := checker{object: o}
	c.text("apiVersion", o.Object["apiVersion"], true)
	c.text("kind", o.Object["kind"], true)
	metadata, _ := o.Object["metadata"].(map[string]any)
	if metadata["name"] == nil && metadata["generateName"] != nil {
		c.refuse("", "Kustomize needs metadata.name: generateName alone is not enough")
	} else {
		c.text("metadata.name", metadata["name"], true)
	}
	c.texts("metadata.labels", metadata["labels"])
	c.texts("metadata.annotations", metadata["annotations"])
	c.foreign()
	return c.problems
}

func (s *survey) plainFiles(k *kustomization) error {
	names := append(append([]string{}, k.spec.Crds...), k.spec.Configurations...)
	if name := k.spec.OpenAPI["path"]; name != "" {
		names = append(names, name)
	}
	s.noticeCuts(k)
	for _, r := range k.spec.Replacements {
		if r.Path != "" {
			if err := s.replacementFile(k, r.Path); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		if err := s.plainFile(k, name); err != nil {
			return err
		}
	}
	return nil
}

// plainFile checks a file that nothing more is to be known of.
func (s *survey) plainFile(k *kustomization, name string) error {
	data, err := s.file(k, name)
	if err == nil && looksEncrypted(data) {
		return s.refuse(k.undecrypted(name))
	}
	return err
}

// file reads a file named in k; nil when it was refused.
func (s *survey) file(k *kustomization, name string) ([]byte, error) {
	real, ok, err := s.locate(k, name)
	if err != nil || !ok {
		return nil, err
	}
	if s.isDir(real) {
		return nil, s.refuse(k.problem(k.lines.of(name), "", "%q is a directory, not a file", name))
	}
	data, err := s.readFile(real)
	if err != nil {
		return nil, s.refuse(err)
	}
	return data, nil
}

func (s *survey) patches(k *kustomization) error {
	//lint:ignore SA1019 people's kustomizations use the old fields
	for _, p := range append(append([]types.Patch{}, k.spec.Patches...), k.spec.PatchesJson6902...) {
		if p.Path != "" {
			if err := s.patchFile(k, p.Path); err != nil {
				return err
			}
		}
		s.syntax(k.file, []byte(p.Patch), k.lines.ofText(p.Patch))
	}
	//lint:ignore SA1019 people's kustomizations use the old fields
	for _, p := range k.spec.PatchesStrategicMerge {
		if err := s.patchEntry(k, string(p)); err != nil {
			return err
		}
	}
	return nil
}

// patchEntry checks an entry that is a patch or the name of a file with patches.
func (s *survey) patchEntry(k *kustomization, text string) error {
	if e := s.entryOf(k, text, "the patch"); e.inline || e.refused {
		return nil
	}
	return s.patchFile(k, text)
}

func (s *survey) patchFile(k *kustomization, name string) error {
	data, err := s.file(k, name)
	if err != nil || data == nil {
		return err
	}
	real, err := s.resolve(k.at(name))
	if err != nil {
		return s.refuse(err)
	}
	text, was, err := s.decryptFile(real, data)
	if err != nil {
		return s.refuse(err)
	}
	s.syntax(k.at(name), text, 0)
	if s.readable(real, text); was && s.plain[real] == nil {
		s.plain[real] = text
	}
	return nil
}

// readable gives the library a file in a form that its parser reads, where that parser reads less than we do: JSON with
// the escapes of JSON, and control characters.
func (s *survey) readable(real string, data []byte) {
	if _, given := s.plain[real]; given {
		return
	}
	docs, problem := documents(real, data)
	if problem != nil || len(docs) == 0 {
		return
	}
	if docs[0].json || json.Valid(data) {
		if text := safeyaml.FromJSON(data); !bytes.Equal(text, data) {
			s.plain[real] = text
		}
		return
	}
	if _, changed := safeyaml.Tame(data); !changed {
		return
	}
	var text bytes.Buffer
	for i, doc := range docs {
		value, err := toValue(doc.text, false)
		if err != nil {
			return
		}
		asJSON, err := safeyaml.JSON(value)
		if err != nil {
			return
		}
		if i > 0 {
			text.WriteString("\n---\n")
		}
		text.Write(asJSON)
	}
	s.plain[real] = text.Bytes()
}

// syntax refuses text that is not YAML. after is the line it is written into, 0 for a file of its own.
func (s *survey) syntax(file string, text []byte, after int) {
	docs, problem := documents(file, text)
	if problem != nil {
		problem.Origin.Line += after
		s.problems = append(s.problems, *problem)
	}
	for _, doc := range docs {
		if doc.json {
			continue // it was parsed to find where it ends
		}
		_, err := toValue(doc.text, false)
		if err == nil {
			continue
		}
		for _, err := range yamlErrors(doc, err) {
			s.problems = append(s.problems, Problem{Origin: Origin{File: file, Line: err.line + after}, Message: err.message, Hint: adviceFor(err, file)})
		}
	}
}

func (s *survey) generators(k *kustomization) error {
	all, secret := generatorArgs(k.spec)
	for _, args := range all {
		for _, source := range args.FileSources {
			if _, err := s.generatorFile(k, source); err != nil {
				return err
			}
		}
		for _, name := range args.EnvSources {
			if err := s.envFile(k, name); err != nil {
				return err
			}
		}
	}
	for _, args := range secret {
		for _, literal := range args.LiteralSources {
			_, value, found := strings.Cut(literal, "=")
			if !found {
				value = literal
			}
			s.keep(value)
		}
	}
	return nil
}

// generatorFile reads "path" or "key=path".
func (s *survey) generatorFile(k *kustomization, source string) ([]byte, error) {
	name := source
	if _, after, found := strings.Cut(source, "="); found {
		name = after
	}
	if isRemote(source) {
		name = source
	}
	k.lines.alias(name, source)
	key, _, _ := strings.Cut(source, "=")
	return generatorText(s, k, name, path.Base(key))
}

// generatorText reads a file whose text a generator puts into an object, and decrypts it if SOPS encrypted it. names are what the text
// is called in the object. It is nil when the file was refused.
func generatorText(s *survey, k *kustomization, name string, names ...string) ([]byte, error) {
	data, err := s.file(k, name)
	if err != nil || data == nil {
		return nil, err
	}
	real, err := s.resolve(k.at(name))
	if err != nil {
		return nil, s.refuse(err)
	}
	text, was, err := s.decryptFile(real, data, names...)
	if err != nil {
		return nil, s.refuse(err)
	}
	if was {
		s.plain[real], s.asText[real] = text, true
	}
	return text, nil
}

// envFile refuses lines without "=": the library would take their values from the environment of this process.
func (s *survey) envFile(k *kustomization, name string) error {
	data, err := generatorText(s, k, name)
	if err != nil {
		return err
	}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		text = bytes.TrimSpace(bytes.TrimPrefix(text, utf8BOM))
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		_, value, found := bytes.Cut(text, []byte("="))
		if !found {
			s.problems = append(s.problems, Problem{Origin: Origin{File: k.at(name), Line: line},
				Message: "a line without = would be read from the environment of this machine", Hint: "write NAME=value"})
		}
		s.keep(string(value))
	}
	return nil
}
