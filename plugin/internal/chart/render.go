package chart

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// Manifest is one YAML document that a chart renders to.
type Manifest struct {
	File  string // the template or CRD, as messages call it
	Line  int    // of the template, best effort; 0 when not known
	Text  string
	Plain bool   // a file as it lies there: its lines are those of Text
	Hook  *Hook  // nil for what is not a hook
	Again string // what another render gives, "" where it gives Text

	template string // the engine's name of the template
}

// Render renders the chart. It returns the manifests in the order of `helm template --include-crds`: CRDs, then objects in the
// order in which Helm installs their kinds, then hooks. It calls warn with what is odd but no error; warn may be nil. Errors
// about a file are *Error, values that do not fit a schema are ValuesErrors. A Chart can be rendered once.
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
	output, again, err := c.renderTwice(ctx, o, capabilities)
	if err != nil {
		return nil, err
	}
	manifests, err := c.manifests(output, o, warn)
	if err != nil {
		return nil, err
	}
	if again != nil {
		second, err := c.manifests(again, o, func(string) {})
		if err != nil {
			return nil, err
		}
		if err := pair(c, manifests, second); err != nil {
			return nil, err
		}
	}
	return append(c.crds(), manifests...), nil
}

// pair gives each manifest of the first render its text in the second one.
func pair(c *Chart, first, second []Manifest) error {
	for i, m := range first {
		if i >= len(second) || second[i].template != m.template || !reflect.DeepEqual(second[i].Hook, m.Hook) {
			return c.NotKept(m, "the chart has other objects in each render")
		}
		if second[i].Text != m.Text {
			first[i].Again = second[i].Text
		}
	}
	if len(second) > len(first) {
		return c.NotKept(second[len(first)], "the chart has other objects in each render")
	}
	return nil
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

// manifests takes the output of the templates apart.
func (c *Chart) manifests(output map[string]string, o Options, warn func(string)) ([]Manifest, error) {
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
		all = append(all, Manifest{File: c.from[m.Name], Line: lines.of(m.Name, m.Head.Kind), Text: safeyaml.RestoreText(m.Content), template: m.Name})
	}
	for _, h := range hooks {
		line := lines.of(h.Path, h.Kind)
		if hook := hookOf(h, o); hook != nil {
			all = append(all, Manifest{File: c.from[h.Path], Line: line, Text: safeyaml.RestoreText(h.Manifest), Hook: hook, template: h.Path})
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
