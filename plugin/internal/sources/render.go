package sources

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// maxValues bounds a values file that one part takes from another.
const maxValues = 4 << 20

// Dir renders as render.Dir does, with the directory in Options.Source, or with Options.Parts instead. Names of files from elsewhere begin
// with the source: "git.example/base@v1.2.0:deploy/x.yaml".
func (r Renderer) Dir(ctx context.Context, root *os.Root, dir string, o render.Options) ([]manifest.Object, error) {
	if o.Source == nil && len(o.Parts) == 0 {
		return r.Render(ctx, root, dir, o)
	}
	open, err := r.newOpener(root, o)
	if err != nil {
		return nil, err
	}
	defer open.close()
	all := &joined{opener: open, checkout: root, first: map[string]manifest.Object{}}
	parts := o.Parts
	if o.Source != nil {
		parts = []render.Part{{Source: o.Source, Path: dir, Helm: o.Helm, Origin: o.Source.Origin}}
	}
	for _, p := range parts {
		if err := all.add(ctx, parts, p); err != nil {
			return nil, err
		}
	}
	return all.finish()
}

// joined are the objects of the parts so far, and what the renders told.
type joined struct {
	*opener
	checkout *os.Root
	objects  []manifest.Object
	first    map[string]manifest.Object
	problems manifest.Problems

	files  []string // of the checkout that were read here, not by a render
	inputs []string // paths of the checkout
	reads  int      // what depends on the checkout
	told   int      // what of that told its inputs
	asked  []string
}

// add renders one part.
func (j *joined) add(ctx context.Context, parts []render.Part, p render.Part) error {
	if p.Path == "" && p.Chart == nil {
		return nil
	}
	root, lacking := j.checkout, j.options.Lacking
	if p.Source != nil {
		t, err := j.open(ctx, *p.Source)
		if err != nil {
			return err
		}
		root, lacking = t.Root, t.Lacking
		if _, err := root.Lstat(path.Join(p.Path, "Chart.yaml")); err == nil {
			t.told.Chart = true
		}
	}
	o := j.given(p)
	if err := j.overlay(ctx, p, &o); err != nil {
		return err
	}
	if o.Lacking = lacking; lacking != nil && p.Path != "" {
		if err := lacking(ctx, []string{p.Path}); err != nil {
			return named(ctx, p, err)
		}
	}
	if err := j.values(ctx, parts, p, &o); err != nil {
		return err
	}
	objects, err := j.Render(ctx, root, p.Path, o)
	if err != nil {
		return named(ctx, p, err)
	}
	for _, object := range objects {
		object.Origin = at(p, object.Origin)
		j.join(object)
	}
	return nil
}

// given are the options for one part.
func (j *joined) given(p render.Part) render.Options {
	o := j.options
	o.Source, o.Parts, o.Chart, o.Lock = nil, nil, p.Chart, j.lock
	if p.Helm != nil {
		helm := *p.Helm
		if was := j.options.Helm; was != nil {
			helm.Upgrade, helm.Revision = was.Upgrade, was.Revision
		}
		o.Helm = &helm
	}
	o.Inputs = nil
	if p.Source == nil {
		j.reads++
		o.Inputs = func(paths []string) {
			if paths != nil {
				j.told++
				j.inputs = append(j.inputs, paths...)
			}
		}
	} else {
		o.Files, o.ListFiles = nil, false
	}
	o.Asked = func(names []string) { j.asked = append(j.asked, names...) }
	return o
}

// join adds an object, unless another part has it too.
func (j *joined) join(o manifest.Object) {
	if name := o.GetName(); name != "" && o.Hook == nil {
		gk := o.GroupVersionKind().GroupKind()
		key := strings.Join([]string{gk.Group, gk.Kind, o.GetNamespace(), name}, "/")
		if other, twice := j.first[key]; twice {
			j.problems = append(j.problems, manifest.Problem{Origin: o.Origin, Object: o.ID(), Message: "defined twice: also at " + other.Origin.String(), Hint: "keep one of the two"})
			return
		}
		j.first[key] = o
	}
	j.objects = append(j.objects, o)
}

// finish returns all objects and tells what all renders told.
func (j *joined) finish() ([]manifest.Object, error) {
	if len(j.problems) > 0 {
		return nil, j.problems.Sorted()
	}
	if err := j.tell(); err != nil {
		return nil, err
	}
	if o := j.options; o.Files != nil && o.ListFiles && len(j.files) > 0 {
		o.Files(j.files)
	}
	render.ShareHidden(j.objects)
	if j.options.Inputs != nil && j.told == j.reads {
		slices.Sort(j.inputs)
		j.options.Inputs(slices.Compact(append([]string{}, j.inputs...)))
	}
	if slices.Sort(j.asked); j.options.Asked != nil && len(j.asked) > 0 {
		j.options.Asked(slices.Compact(j.asked))
	}
	return j.objects, nil
}

// values reads the values files of a part that lie in other parts.
func (j *joined) values(ctx context.Context, parts []render.Part, p render.Part, o *render.Options) error {
	if p.Helm == nil {
		return nil
	}
	o.ValuesFiles = nil
	for _, name := range p.Helm.Values {
		if !strings.HasPrefix(name, "$") {
			continue
		}
		data, err := j.file(ctx, parts, p, name)
		if err != nil {
			return err
		}
		if o.ValuesFiles == nil {
			o.ValuesFiles = map[string][]byte{}
		}
		o.ValuesFiles[name] = data
	}
	return nil
}

// file reads "$NAME/path".
func (j *joined) file(ctx context.Context, parts []render.Part, p render.Part, name string) ([]byte, error) {
	refuse := func(help, format string, args ...any) error {
		return manifest.Problems{{Origin: p.Origin, Message: "values file " + name + ": " + fmt.Sprintf(format, args...), Hint: help}}
	}
	as, file, _ := strings.Cut(name[1:], "/")
	i := slices.IndexFunc(parts, func(other render.Part) bool { return other.As == as })
	if i < 0 {
		var known []string
		for _, other := range parts {
			if other.As != "" {
				known = append(known, other.As)
			}
		}
		return nil, refuse(near.DidYouMean(as, known), "$%s is not a source of the app", as)
	}
	clean := path.Clean(file)
	if file == "" || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return nil, refuse("write $NAME/ and the path from the root of that source", "it is not a file of the source")
	}
	root, lacking, where := j.checkout, j.options.Lacking, "this repository"
	if s := parts[i].Source; s != nil {
		t, err := j.open(ctx, *s)
		if err != nil {
			return nil, err
		}
		root, lacking = t.Root, t.Lacking
		where = Label(*s)
	} else {
		j.noteLocal(clean)
	}
	if lacking != nil {
		if err := lacking(ctx, []string{clean}); err != nil {
			return nil, refuse("", "%v", err)
		}
	}
	data, err := readFile(root, clean)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, refuse("check the path, from the root of the source", "%s has no file %s", where, clean)
	case err != nil:
		return nil, refuse("", "%v", err)
	}
	return data, nil
}

// throughLink reports whether a symbolic link leads to a name: then a change elsewhere changes what lies there.
func throughLink(root *os.Root, name string) bool {
	for at := name; at != "."; at = path.Dir(at) {
		if info, err := root.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

// readFile reads a regular file of limited size.
func readFile(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxValues+1))
	if err == nil && len(data) > maxValues {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxValues>>20)
	}
	if data == nil {
		data = []byte{}
	}
	return data, err
}

// at returns where something of a part comes from: the name of its source stands before a file of it.
func at(p render.Part, from manifest.Origin) manifest.Origin {
	if p.Source == nil || from.File == p.Origin.File || strings.HasPrefix(from.File, "$") {
		return from // of gitops.yaml itself, or of another part
	}
	from.File = Label(*p.Source) + ":" + from.File
	return from
}

// named says in an error which source it is about.
func named(ctx context.Context, p render.Part, err error) error {
	if ctx.Err() != nil {
		return err
	}
	var problems manifest.Problems
	if errors.As(err, &problems) {
		told := slices.Clone(problems)
		for i := range told {
			told[i].Origin = at(p, told[i].Origin)
		}
		return told
	}
	if p.Source == nil {
		return err
	}
	return fmt.Errorf("%s: source %s: %w", p.Origin, Label(*p.Source), err)
}
