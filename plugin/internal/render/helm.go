package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/ignore"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

// maxChartFiles bounds the files of one chart directory.
const maxChartFiles = 20_000

// renderHelm renders the chart in dir.
func renderHelm(ctx context.Context, t *tree, dir string, o Options) ([]Object, error) {
	h := &helmRender{tree: t, ctx: ctx, dir: dir, options: o, installs: true}
	if o.Helm != nil {
		h.helm = *o.Helm
	}
	return h.render()
}

func (h *helmRender) render() ([]Object, error) {
	values, err := h.readValues()
	if err != nil || len(h.problems) > 0 {
		return nil, err
	}
	for n := 0; ; n++ {
		manifests, err := h.manifests(values)
		if err != nil || len(h.problems) > 0 {
			return nil, err
		}
		objects, err := h.objects(manifests)
		more := h.unforeseen(objects)
		if err != nil || len(more) == 0 || n == maxRerenders {
			h.options.tellAsked(h.asked)
			return objects, err
		}
		h.ownVersions = append(h.ownVersions, more...)
	}
}

// manifests renders the chart.
func (h *helmRender) manifests(values map[string]any) ([]chart.Manifest, error) {
	before := len(h.problems)
	c, err := h.load()
	if err != nil || len(h.problems) > before {
		return nil, err
	}
	manifests, err := c.Render(h.ctx, h.chartOptions(values), h.options.warn)
	if err != nil {
		return nil, h.refused(err)
	}
	h.asked, h.notKept = c.Asked(), c.NotKept
	if h.helm.CRDs == CRDsSkip {
		manifests = slices.DeleteFunc(manifests, func(m chart.Manifest) bool { return m.Plain })
	}
	return manifests, nil
}

// load reads the chart. It is nil when problems were found.
func (h *helmRender) load() (*chart.Chart, error) {
	if h.named != nil {
		c, err := h.named.load()
		if err != nil {
			return nil, h.refused(err)
		}
		return c, nil
	}
	before := len(h.problems)
	files, err := h.readChart(h.dir)
	if err != nil || len(h.problems) > before {
		return nil, err
	}
	c, err := chart.Load(files, resolver{h})
	if err != nil {
		return nil, h.refused(err)
	}
	return c, nil
}

func (h *helmRender) chartOptions(values map[string]any) chart.Options {
	o := chart.Options{Release: h.helm.Release, Namespace: h.helm.Namespace, Values: values, Upgrade: h.helm.Upgrade, Revision: h.helm.Revision,
		KubeVersion: h.options.Capabilities.KubeVersion, APIVersions: h.options.Capabilities.APIVersions,
		ServerVersions: h.options.Capabilities.APIVersions != nil, NoHooks: h.noHooks, EveryHook: h.options.EveryHook, Tests: h.helm.Tests,
		Generated: h.helm.Generated != "", Progress: h.options.progress}
	o.APIVersions = slices.Concat(o.APIVersions, h.moreVersions, h.ownVersions)
	o.OwnKinds = h.installs && h.helm.CRDs != CRDsSkip
	if o.Release == "" && h.dir != "." {
		o.Release = path.Base(h.dir)
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	return o
}

// readChart reads the files of a chart directory as Helm does: all that .helmignore does not list.
func (h *helmRender) readChart(dir string) ([]chart.File, error) {
	rules := ignore.Empty()
	if data, err := h.readFile(path.Join(dir, ignore.HelmIgnore)); err == nil {
		if rules, err = ignore.Parse(bytes.NewReader(data)); err != nil {
			return nil, h.refuse(Problem{Origin: Origin{File: path.Join(dir, ignore.HelmIgnore)}, Message: err.Error()})
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, h.refuse(err)
	}
	rules.AddDefaults()
	r := &chartReader{helmRender: h, top: dir, rules: rules}
	if err := r.directory("", nil); err != nil {
		return nil, err
	}
	for i, f := range r.files {
		if f.Name == "values.yaml" {
			text, err := h.decryptValues(f.At, f.Data)
			if err != nil {
				return nil, h.refuse(err)
			}
			f.Data, r.files[i].Data = text, text
		}
		switch path.Base(f.Name) {
		case "Chart.yaml", "Chart.lock", "values.yaml":
			if _, found := placeholder.Of(f.Data); !found && !strings.Contains(f.Name, "templates/") && !strings.Contains(f.Name, "crds/") {
				h.parses(f.At, f.Data, false)
			}
		}
	}
	return r.files, nil
}

type chartReader struct {
	*helmRender
	top   string
	rules *ignore.Rules
	files []chart.File
}

// directory reads what is below name, which is relative to the chart. above holds the resolved directories it lies in.
func (r *chartReader) directory(name string, above []string) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	full := path.Join(r.top, name)
	real, err := r.resolve(full)
	if err != nil {
		return r.refuse(err)
	}
	for _, outer := range above {
		if outer == real {
			return r.refuse(Problem{Origin: Origin{File: full}, Message: fmt.Sprintf("symbolic link leads back to %q, which contains it", real),
				Hint: "remove the link, or list it in .helmignore"})
		}
	}
	if len(above) >= r.limits.Depth {
		return r.refuse(Problem{Origin: Origin{File: full}, Message: fmt.Sprintf("more than %d directories deep", r.limits.Depth)})
	}
	list, err := r.entries(real)
	if err != nil {
		return fmt.Errorf("directory %q: %w", full, err)
	}
	above = append(above[:len(above):len(above)], real)
	for _, entry := range list {
		if err := r.entry(path.Join(name, entry.Name()), above); err != nil {
			return err
		}
	}
	return nil
}

func (r *chartReader) entry(name string, above []string) error {
	full := path.Join(r.top, name)
	real, err := r.resolve(full)
	if errors.Is(err, fs.ErrNotExist) {
		err = Problem{Origin: Origin{File: full}, Message: "symbolic link leads to nothing", Hint: "remove the link, or list it in .helmignore"}
	}
	if err != nil {
		return r.refuse(err)
	}
	info, err := r.root.Lstat(real)
	if err != nil {
		return err
	}
	if r.rules.Ignore(name, info) {
		return nil
	}
	if info.IsDir() {
		return r.directory(name, above)
	}
	if len(r.files) == maxChartFiles {
		return r.refuse(Problem{Origin: Origin{File: r.top}, Message: fmt.Sprintf("the chart holds more than %d files", maxChartFiles),
			Hint: "list what is no part of the chart in .helmignore"})
	}
	data, err := r.readAny(full) // a template may never use a file that does not hold its content
	if err != nil {
		return r.refuse(err)
	}
	r.files = append(r.files, chart.File{Name: name, At: full, Data: bytes.TrimPrefix(data, utf8BOM)})
	return nil
}

// parses refuses text that is not YAML, with its line.
func (t *tree) parses(file string, data []byte, strict bool) {
	docs, problem := documents(file, data)
	if problem != nil {
		t.problems = append(t.problems, *problem)
	}
	for _, doc := range docs {
		if _, err := toValue(doc.text, strict); err != nil {
			for _, err := range yamlErrors(doc, err) {
				t.problems = append(t.problems, Problem{Origin: Origin{File: file, Line: err.line}, Message: err.message, Hint: adviceFor(err, file)})
			}
		}
	}
}

// objects decodes what the chart rendered.
func (h *helmRender) objects(manifests []chart.Manifest) ([]Object, error) {
	var objects []Object
	for _, m := range manifests {
		found := h.decode(m, m.Text)
		if m.Again != "" {
			again := h.decode(m, m.Again)
			if err := h.compareRenders(m, found, again); err != nil {
				return nil, err
			}
		}
		for i := range found {
			if m.Plain && h.helm.CRDs == CRDsCreate {
				createOnly(found[i])
			}
		}
		objects = append(objects, found...)
		if len(objects) > h.limits.Objects {
			return nil, fmt.Errorf("chart %q renders more than %d objects", h.dir, h.limits.Objects)
		}
	}
	h.markSealed(objects)
	return objects, nil
}

// decode decodes the text of a manifest. Helm takes the last of two equal keys, and so do we.
func (h *helmRender) decode(m chart.Manifest, text string) []Object {
	var objects []Object
	docs, problem := documents(m.File, []byte(text))
	if problem != nil {
		h.problems = append(h.problems, Problem{Origin: Origin{File: m.File, Line: m.Line}, Message: "renders what is not a manifest: " + problem.Message})
		return nil
	}
	for _, doc := range docs {
		value, errs := decodeLoose(doc, h.limits)
		at := Origin{File: m.File, Line: m.Line}
		if m.Line == 0 && m.Plain {
			at.Line = doc.line
		}
		if len(errs) == 0 {
			found, bad := objectsOf(value, doc, h.limits.Depth)
			for _, u := range found {
				objects = append(objects, Object{Unstructured: u, Origin: at, Hook: m.Hook})
			}
			errs = bad
		}
		for _, err := range errs {
			h.problems = append(h.problems, Problem{Origin: at, Message: "renders what is not a manifest: " + err.message,
				Hint: "look at the output of `helm template`"})
		}
	}
	return objects
}

// compareRenders notes on objects which of their values another render of the same manifest makes up anew.
func (h *helmRender) compareRenders(m chart.Manifest, objects, again []Object) error {
	if len(h.problems) > 0 {
		return nil
	}
	if len(objects) != len(again) {
		return h.refused(h.notKept(m, "the chart has other objects in each render"))
	}
	for i := range objects {
		if m.Hook != nil {
			shareName(objects[i], again[i])
		}
		paths, err := generated.Paths(objects[i].Object, again[i].Object)
		if err != nil {
			return h.refused(h.notKept(m, err.Error()))
		}
		if objects[i].Generated = paths; len(paths) > 0 {
			h.again[objects[i].Unstructured] = again[i].Object
		}
		objects[i].Sealed = objects[i].Sealed || isSecret(objects[i].Unstructured) && onlyGenerated(objects[i])
	}
	return nil
}

// shareName gives a hook whose name ends differently in each render the beginning of its name: the run that creates it ends the name.
func shareName(a, b Object) {
	name, other := a.GetName(), b.GetName()
	n := 0
	for n < min(len(name), len(other)) && name[n] == other[n] {
		n++
	}
	if name == other || n == 0 {
		return
	}
	if separator := strings.LastIndexAny(name[:n], "-."); separator >= 0 {
		n = separator + 1 // the ends may begin alike by chance
	}
	for _, o := range []Object{a, b} {
		unstructured.RemoveNestedField(o.Object, "metadata", "name")
		o.SetGenerateName(name[:n])
	}
}

// onlyGenerated reports whether a Secret has values, and all of them are generated: then none of them can be read in Git.
func onlyGenerated(o Object) bool {
	count := 0
	for _, field := range []string{"data", "stringData"} {
		values, _ := o.Object[field].(map[string]any)
		count += len(values)
	}
	holds := func(pointer string) bool {
		return strings.HasPrefix(pointer, "/data/") || strings.HasPrefix(pointer, "/stringData/")
	}
	return count > 0 && len(slices.DeleteFunc(slices.Clone(o.Generated), func(p string) bool { return !holds(p) })) == count
}

// inData is where the generated values of an object are after stringData of a Secret became data.
func inData(o Object) []string {
	if !isSecret(o.Unstructured) {
		return o.Generated
	}
	var out []string
	for _, pointer := range o.Generated {
		if key, plain := strings.CutPrefix(pointer, "/stringData/"); plain {
			pointer = "/data/" + key
		}
		out = append(out, pointer)
	}
	return out
}

// createOnly asks a run to create an object where it is missing, and to leave it alone then.
func createOnly(o Object) {
	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[createOnlyAnnotation], annotations[pruneAnnotation] = "enabled", "disabled"
	o.SetAnnotations(annotations)
}

// Annotations of package desired, which knows what they mean.
const (
	createOnlyAnnotation = "kubectl-gitops.dev/create-only"
	pruneAnnotation      = "kubectl-gitops.dev/prune"
)

// refused collects an error about the chart; charts that have to be fetched are asked for by the error itself.
func (h *helmRender) refused(err error) error {
	err = h.chartProblem(err)
	var needs *needsError
	if errors.As(err, &needs) {
		return err
	}
	return h.refuse(err)
}

// chartProblem makes a Problem of an error about the chart.
func (h *helmRender) chartProblem(err error) error {
	var one *chart.Error
	var invalid chart.ValuesErrors
	var missing *chart.MissingError
	switch {
	case errors.As(err, &one):
		if one.Differs && h.installs && h.helm.Generated == "" {
			one.Hint += "; or let the app keep what the chart made up first: `helm: {generated: keep}` in gitops.yaml"
		}
		return Problem{Origin: Origin{File: one.File, Line: one.Line}, Message: one.Message, Hint: one.Hint}
	case errors.As(err, &missing):
		return &needsError{Problem{Origin: Origin{File: missing.File, Line: missing.Line}, Message: "dependencies are not in charts/: " + join(missing.Needs),
			Hint: "commit the archives that `helm dependency build` puts into charts/"}, missing.Needs}
	case errors.As(err, &invalid):
		var all Problems
		for _, e := range invalid {
			all = append(all, h.invalidValue(e))
		}
		return all
	}
	return err
}
