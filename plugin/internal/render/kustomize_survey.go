package render

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"sigs.k8s.io/kustomize/api/types"
)

// maxLoads bounds how many kustomizations one build may read. Bases are read once per use, so that twenty small files
// which each name the next one twice would stand for a million.
const maxLoads = 2_000

const vendorHint = "copy the base into the repository and refer to it by a relative path"

// surveyKustomization returns the kustomization of dir, or nil when it has problems, which it collects in t.
func surveyKustomization(ctx context.Context, t *tree, dir string, o Options) (*survey, *kustomization, error) {
	s := newSurvey(ctx, t, o)
	real, err := t.resolve(dir)
	if err != nil {
		return nil, nil, err
	}
	if isRemote(mounted(real)) {
		return nil, nil, fmt.Errorf("directory %q: Kustomize would read its name as an address", dir)
	}
	top, err := s.visit(real, Origin{File: dir})
	if err != nil {
		return nil, nil, t.refuse(err)
	}
	return s, top, nil
}

func newSurvey(ctx context.Context, t *tree, o Options) *survey {
	return &survey{tree: t, ctx: ctx, options: o, visited: map[string][]*kustomization{}, docs: map[string][]Object{}, generated: map[string]*kustomization{}}
}

// visit reads the kustomization in dir and everything it names. from is where dir is named.
func (s *survey) visit(dir string, from Origin) (*kustomization, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	if slices.Contains(s.stack, dir) {
		return nil, Problem{Origin: from, Message: "the kustomization includes itself: " + strings.Join(append(s.stack, dir), " -> "),
			Hint: "remove the reference"}
	}
	if len(s.stack) > 0 && isWithin(s.stack[len(s.stack)-1], dir) {
		return nil, Problem{Origin: from, Message: fmt.Sprintf("%q is above the kustomization that names it", dir),
			Hint: "move the base beside the overlay"}
	}
	if k := s.known(dir); k != nil {
		return k, nil
	}
	if len(s.stack) >= s.limits.Depth {
		return nil, Problem{Origin: from, Message: fmt.Sprintf("bases are nested more than %d deep", s.limits.Depth)}
	}
	k, err := s.load(dir, from)
	if err != nil {
		return nil, err
	}
	if len(s.stack) == 0 {
		k.lay(s.options.Overlay)
	}
	if err := k.enter(s); err != nil {
		return nil, err
	}
	s.visited[dir] = append(s.visited[dir], k)
	return k, nil
}

// enter surveys what a kustomization names.
func (k *kustomization) enter(s *survey) error {
	s.place(k)
	namespace := cmp.Or(k.spec.Namespace, k.inherited)
	s.stack, s.namespaces = append(s.stack, k.dir), append(s.namespaces, namespace)
	defer func() { s.stack, s.namespaces = s.stack[:len(s.stack)-1], s.namespaces[:len(s.namespaces)-1] }()
	if err := s.follow(k); err != nil {
		return err
	}
	if k.loads > maxLoads {
		return k.problem(0, "name each base once", "building it reads more than %d kustomizations", maxLoads)
	}
	if k.items > s.limits.Objects {
		return k.problem(0, "", "building it reads more than %d objects", s.limits.Objects)
	}
	return nil
}

func isWithin(inner, outer string) bool {
	return outer == "." || inner == outer || strings.HasPrefix(inner, outer+"/")
}

// load reads and decodes the kustomization file of dir.
func (s *survey) load(dir string, from Origin) (*kustomization, error) {
	var names []string
	for _, name := range kustomizationNames {
		if s.exists(path.Join(dir, name)) {
			names = append(names, name)
		}
	}
	if dir == s.generatedAt {
		file := path.Join(dir, kustomizationNames[0])
		k := &kustomization{dir: dir, name: kustomizationNames[0], file: file, data: s.plain[file], loads: 1, generated: true}
		err := k.spec.Unmarshal(k.data)
		return k, err
	}
	if len(names) != 1 {
		message := fmt.Sprintf("directory %q holds no kustomization file", dir)
		if len(names) > 1 {
			message = fmt.Sprintf("directory %q holds %s", dir, strings.Join(names, " and "))
		}
		return nil, Problem{Origin: from, Message: message, Hint: "a base needs exactly one kustomization.yaml"}
	}
	file, err := s.resolve(path.Join(dir, names[0]))
	if err != nil {
		return nil, err
	}
	data, err := s.readFile(file)
	if err != nil {
		return nil, err
	}
	k := &kustomization{dir: dir, name: names[0], file: file, data: data, loads: 1}
	docs, problem := documents(file, data)
	if problem != nil {
		return nil, *problem
	}
	if len(docs) > 1 {
		return nil, k.problem(docs[1].line, "keep one", "a kustomization file holds one document")
	}
	for _, doc := range docs {
		if _, err := toValue(doc.text, true); err != nil {
			return nil, k.problems(yamlErrors(doc, err))
		}
	}
	k.lines = indexLines(data)
	if err := k.spec.Unmarshal(data); err != nil {
		return nil, k.unmarshalProblem(err)
	}
	k.spec.FixKustomization()
	return k, nil
}

func (k *kustomization) problems(errs []lineError) Problems {
	var problems Problems
	for _, err := range errs {
		problems = append(problems, k.problem(err.line, adviceFor(err, k.file), "%s", err.message))
	}
	return problems
}

// unmarshalProblem shortens "invalid Kustomization: json: unknown field "resource"", and finds the line of the field.
func (k *kustomization) unmarshalProblem(err error) Problem {
	text := err.Error()
	if _, field, ok := strings.Cut(text, "unknown field "); ok {
		field = strings.Trim(field, `"`)
		return k.problem(k.lines.of(field), "see the kustomization reference for its spelling", "unknown field %q", field)
	}
	if _, detail, ok := strings.Cut(text, "cannot unmarshal "); ok {
		field, message := typeWords(detail)
		return k.problem(k.lines.of(field), "see the kustomization reference for its form", "%s", message)
	}
	return k.problem(0, "", "not a valid kustomization")
}

// locate checks one path named in a kustomization and returns what it means, resolved. ok is false when it was refused.
func (s *survey) locate(k *kustomization, name string) (real string, ok bool, err error) {
	line := k.lines.of(name)
	refuse := func(hint, format string, args ...any) (string, bool, error) {
		return "", false, s.refuse(k.problem(line, hint, format, args...))
	}
	switch {
	case isRemote(name):
		return refuse(vendorHint, "remote base or file %q: only files of the repository are read", redactURL(name))
	case path.IsAbs(name):
		return refuse("use a path relative to the kustomization", "absolute path %q", name)
	case k.at(name) == ".." || strings.HasPrefix(k.at(name), "../"):
		return refuse("only files of the repository are read", "%q leaves the repository", name)
	}
	real, err = s.resolve(k.at(name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		if why := s.whyAbsent(k.at(name)); why != nil {
			return "", false, s.refuse(named(why, k, line, name))
		}
		return refuse(s.near(k.at(name)), "%q does not exist", name)
	}
	if err != nil {
		return "", false, s.refuse(err)
	}
	return real, true, nil
}

// named moves a problem of a file to the line that names it.
func named(why error, k *kustomization, line int, name string) error {
	var p Problem
	if !errors.As(why, &p) || p.Hint != submoduleHint && !strings.HasSuffix(p.Hint, submoduleHint) {
		return why
	}
	p.Origin, p.Message = Origin{File: k.file, Line: line}, fmt.Sprintf("%q %s", name, p.Message)
	return p
}

// near names the files beside one that is missing.
func (t *tree) near(name string) string {
	dir, err := t.resolve(path.Dir(name))
	if err != nil {
		return ""
	}
	list, err := t.entries(dir)
	if err != nil || len(list) == 0 {
		return ""
	}
	var names []string
	for _, entry := range list {
		if names = append(names, entry.Name()); len(names) == 10 {
			names = append(names, "...")
			break
		}
	}
	return fmt.Sprintf("%q holds %s", dir, strings.Join(names, ", "))
}

func generatorArgs(spec types.Kustomization) (all []types.GeneratorArgs, secret []types.GeneratorArgs) {
	for _, args := range spec.ConfigMapGenerator {
		all = append(all, args.GeneratorArgs)
	}
	for _, args := range spec.SecretGenerator {
		all = append(all, args.GeneratorArgs)
		secret = append(secret, args.GeneratorArgs)
	}
	return all, secret
}
