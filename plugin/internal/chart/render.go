package chart

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	valuesutil "helm.sh/helm/v4/pkg/chart/common/util"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/yamlerror"
)

// Options say what a chart is rendered for.
type Options struct {
	Release     string // default: the name of the chart
	Namespace   string
	Values      map[string]any // over the chart's own; not changed
	Upgrade     bool           // .Release.IsUpgrade, the opposite of .Release.IsInstall
	Revision    int            // .Release.Revision; 0 stands for 1
	KubeVersion string         // such as v1.37.2; empty stands for DefaultKubeVersion
	APIVersions []string       // such as apps/v1 and apps/v1/Deployment; added to those of Kubernetes itself when ServerVersions is false

	// ServerVersions says that APIVersions are all that the server has, and not more than Kubernetes itself.
	ServerVersions bool

	NoHooks bool // the caller leaves out all hooks: they may differ between two renders

	// OwnKinds says that the kinds in crds/ of the chart are among APIVersions, as in an install.
	OwnKinds bool

	EveryHook bool // hooks that only Helm's own commands run are given too: tests and rollbacks

	Progress func(file string) // told each template before it is rendered; may be nil
}

// DefaultKubeVersion is what charts see as .Capabilities.KubeVersion without a cluster.
const DefaultKubeVersion = "v1.37.0"

// Manifest is one YAML document a chart renders.
type Manifest struct {
	File  string // the template or CRD, as messages call it
	Line  int    // of the template, best effort; 0 when not known
	Text  string
	Plain bool  // a file as it lies there: its lines are those of Text
	Hook  *Hook // nil for what is not a hook
}

// Render returns the manifests in the order of `helm template --include-crds`: CRDs, then objects in the order in which
// Helm installs their kinds, then hooks. warn is told what is odd but no error; it may be nil. A Chart renders once.
func (c *Chart) Render(ctx context.Context, o Options, warn func(text string)) ([]Manifest, error) {
	if warn == nil {
		warn = func(string) {}
	}
	o.Release = cmp.Or(o.Release, c.root.Metadata.Name)
	capabilities, err := c.check(o, warn)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(c.root, deepCopy(o.Values)); err != nil {
		return nil, &Error{File: c.file, Message: "dependencies: " + oneLine(err.Error())}
	}
	if o.OwnKinds {
		capabilities.APIVersions = append(slices.Clip(capabilities.APIVersions), c.ownKinds()...)
	}
	c.from = map[string]string{}
	c.nameTemplates(c.root)
	if err := c.enabledAreThere(); err != nil {
		return nil, err
	}
	output, err := c.renderTwice(ctx, o, capabilities)
	if err != nil {
		return nil, err
	}
	manifests, err := c.manifests(output, o.EveryHook, warn)
	if err != nil {
		return nil, err
	}
	return append(c.crds(), manifests...), nil
}

// check refuses what Helm would not install.
func (c *Chart) check(o Options, warn func(string)) (*common.Capabilities, error) {
	meta := c.root.Metadata
	if meta.Type == "library" {
		return nil, &Error{File: c.file, Message: "a library chart renders nothing by itself", Hint: "point at a chart that uses it"}
	}
	if err := chartutil.ValidateReleaseName(o.Release); err != nil {
		return nil, &Error{File: c.file, Message: fmt.Sprintf("%q cannot be the name of a release", o.Release),
			Hint: "use up to 53 of a-z, 0-9, '-' and '.'"}
	}
	kube, err := common.ParseKubeVersion(cmp.Or(o.KubeVersion, DefaultKubeVersion))
	if err != nil {
		return nil, &Error{File: c.file, Message: fmt.Sprintf("%q is not a version of Kubernetes", o.KubeVersion)}
	}
	if meta.KubeVersion != "" && !chartutil.IsCompatibleRange(meta.KubeVersion, kube.String()) {
		return nil, &Error{File: c.file, Message: fmt.Sprintf("the chart wants Kubernetes %s, and this is %s", meta.KubeVersion, kube.Version),
			Hint: "use a version of the chart that fits the cluster"}
	}
	if meta.Deprecated {
		warn(fmt.Sprintf("%s: the chart is deprecated", c.file))
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *kube
	if o.ServerVersions {
		capabilities.APIVersions = slices.Clone(o.APIVersions)
	} else {
		capabilities.APIVersions = append(slices.Clip(capabilities.APIVersions), o.APIVersions...)
	}
	return capabilities, nil
}

func eachChart(c *v2.Chart, do func(*v2.Chart)) {
	do(c)
	for _, sub := range c.Dependencies() {
		eachChart(sub, do)
	}
}

// nameTemplates notes where the engine's names of templates come from.
func (c *Chart) nameTemplates(ch *v2.Chart) {
	eachChart(ch, func(ch *v2.Chart) {
		for _, t := range ch.Templates {
			c.from[path.Join(ch.ChartFullPath(), t.Name)] = c.at[t]
		}
	})
}

// source returns the text of a template by the engine's name.
func (c *Chart) source(name string) string {
	text := ""
	eachChart(c.root, func(ch *v2.Chart) {
		for _, t := range ch.Templates {
			if path.Join(ch.ChartFullPath(), t.Name) == name {
				text = string(t.Data)
			}
		}
	})
	return text
}

// run is one of the two renders of a chart.
type run struct {
	chart    *Chart
	number   int // 0 and 1
	started  time.Time
	progress func(string)
	current  string                     // the template that is rendered now
	called   map[string]map[string]bool // by template: functions that give another result each time
}

// entered is the function that each template calls first.
const entered = "gitopsEntered"

func (r *run) render(ctx context.Context, o Options, capabilities *common.Capabilities) (map[string]string, error) {
	r.called = map[string]map[string]bool{}
	release := common.ReleaseOptions{Name: o.Release, Namespace: o.Namespace, Revision: max(o.Revision, 1), IsInstall: !o.Upgrade, IsUpgrade: o.Upgrade}
	values, err := valuesutil.ToRenderValuesWithSchemaValidation(r.chart.root, deepCopy(o.Values), release, capabilities, true)
	if err != nil {
		return nil, &Error{File: r.chart.file, Message: "values: " + oneLine(err.Error())}
	}
	if all, err := values.Table("Values"); err == nil && r.number == 0 {
		if err := r.chart.validate(all); err != nil {
			return nil, err
		}
	}
	restore := r.instrument()
	defer restore()
	functions := r.functions()
	functions[entered] = func(name string) string {
		if r.current = name; r.progress != nil {
			r.progress(r.chart.from[name])
		}
		return ""
	}
	output, err := engine.Engine{CustomTemplateFuncs: template.FuncMap(functions)}.RenderWithContext(ctx, r.chart.root, values)
	if err != nil {
		return nil, r.chart.templateError(err)
	}
	return output, nil
}

// instrument lets each template say that its turn has come. It adds no line and no output.
func (r *run) instrument() (restore func()) {
	before := map[*v2.Chart][]*common.File{}
	eachChart(r.chart.root, func(ch *v2.Chart) {
		before[ch] = ch.Templates
		ch.Templates = make([]*common.File, len(ch.Templates))
		for i, t := range before[ch] {
			marked := *t
			if !strings.HasPrefix(path.Base(t.Name), "_") {
				marked.Data = fmt.Appendf(nil, "{{%s %q}}%s", entered, path.Join(ch.ChartFullPath(), t.Name), t.Data)
			}
			ch.Templates[i] = &marked
		}
	})
	return func() {
		for ch, templates := range before {
			ch.Templates = templates
		}
	}
}

// manifests takes the output of the templates apart.
func (c *Chart) manifests(output map[string]string, every bool, warn func(string)) ([]Manifest, error) {
	maps.DeleteFunc(output, func(name, _ string) bool { return strings.HasSuffix(name, "NOTES.txt") })
	c.warnOfHooks(output, warn)
	for name, text := range output {
		if tamed, changed := safeyaml.Tame([]byte(text)); changed {
			output[name] = string(tamed)
		}
	}
	hooks, objects, err := releaseutil.SortManifests(output, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, c.outputError(output, err)
	}
	lines := lineFinder{chart: c, seen: map[[2]string]int{}}
	var all []Manifest
	for _, m := range objects {
		all = append(all, Manifest{File: c.from[m.Name], Line: lines.of(m.Name, m.Head.Kind), Text: safeyaml.RestoreText(m.Content)})
	}
	for _, h := range hooks {
		line := lines.of(h.Path, h.Kind)
		if hook := hookOf(h, every); hook != nil {
			all = append(all, Manifest{File: c.from[h.Path], Line: line, Text: safeyaml.RestoreText(h.Manifest), Hook: hook})
		}
	}
	return all, nil
}

// crds are the files of crds/, which are no templates.
func (c *Chart) crds() []Manifest {
	var all []Manifest
	for _, crd := range c.root.CRDObjects() {
		all = append(all, Manifest{File: c.at[crd.File], Text: string(crd.File.Data), Plain: true})
	}
	return all
}

// outputError is about a template whose output is not YAML.
func (c *Chart) outputError(output map[string]string, err error) error {
	text := err.Error()
	for name := range output {
		detail, ok := strings.CutPrefix(text, "YAML parse error on "+name+": ")
		if !ok {
			continue
		}
		e := &Error{File: c.from[name], Message: "renders what is not a manifest: " + decodeError(detail),
			Hint: "lines count from the start of what the template renders; look at indentation and quotes"}
		if w, found := parseError(output[name]); found {
			e.Message = fmt.Sprintf("renders what is not YAML: %s (line %d of what it renders)", w.Message, w.Line)
			e.Hint = strings.TrimPrefix(w.Hint+"; `helm template` shows what it renders", "; ")
		}
		return e
	}
	return &Error{File: c.file, Message: oneLine(text)}
}

var parserLine = regexp.MustCompile(`yaml: line (\d+): (.*)`)

// parseError finds the first manifest in the output of a template that is no YAML, and says why. Lines count from the
// start of the output.
func parseError(output string) (w yamlerror.Words, found bool) {
	for _, manifest := range inOrder(releaseutil.SplitManifests(output)) {
		var value any
		err := yaml.Unmarshal([]byte(manifest), &value)
		if err == nil {
			continue
		}
		m := parserLine.FindStringSubmatch(err.Error())
		if m == nil {
			return yamlerror.Words{}, false
		}
		line, err := strconv.Atoi(m[1])
		if err != nil {
			return yamlerror.Words{}, false
		}
		w := yamlerror.ExplainOutput([]byte(manifest), line, quoted.ReplaceAllString(m[2], "`***`"))
		if before, _, ok := strings.Cut(output, manifest); ok {
			w.Line += strings.Count(before, "\n")
		}
		return w, true
	}
	return yamlerror.Words{}, false
}

var quoted = regexp.MustCompile("`[^`]*`") // a value

// lineFinder finds the lines of a template at which its manifests begin: the n-th manifest of a kind is taken for the
// n-th place where the template writes that kind.
type lineFinder struct {
	chart *Chart
	seen  map[[2]string]int
}

func (f lineFinder) of(name, kind string) int {
	key := [2]string{name, kind}
	n := f.seen[key]
	f.seen[key]++
	last := 0
	before := ""
	number := 0
	for text := range strings.Lines(f.chart.source(name)) {
		number++
		trimmed := strings.TrimRight(text, " \t\r\n")
		if trimmed == "kind: "+kind || trimmed == `kind: "`+kind+`"` {
			if last = number; strings.HasPrefix(before, "apiVersion:") {
				last--
			}
			if n--; n < 0 {
				break
			}
		}
		before = trimmed
	}
	return last
}

// deepCopy copies what YAML and JSON are made of.
func deepCopy(values map[string]any) map[string]any {
	if values == nil {
		return map[string]any{}
	}
	return copyValue(values).(map[string]any)
}

func copyValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = copyValue(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = copyValue(inner)
		}
		return out
	}
	return value
}
