package chart

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// A chart is rendered twice. In the second run random functions give something else, the clock stands years later, and
// files that do not hold their content hold another one. What differs then depends on one of these.

// compare refuses output that differs between the two runs in something that can be applied. again renders once more
// like the first run.
func (r *run) compare(first, second map[string]string, o Options, again func() (map[string]string, error)) error {
	for _, name := range slices.Sorted(maps.Keys(second)) {
		if sameObjects(name, first, second, o) {
			continue
		}
		if err := r.chart.blame(name, first, o, again); err != nil {
			return err
		}
		return r.differs(name)
	}
	return nil
}

// differs is the error about a template that calls functions whose result is another one each time.
func (r *run) differs(name string) error {
	return r.chart.blameCalls(name, r.called[name], "renders something else each time",
		"give the chart a fixed value: a password, a certificate or an existing Secret, as its values allow")
}

// NotKept is the error about a manifest of Render whose values cannot be kept, and why.
func (c *Chart) NotKept(m Manifest, why string) error {
	return c.blameCalls(m.template, c.called[m.template], "renders something else each time that cannot be kept, because "+why,
		"give the chart a fixed value, as its values allow: only values of fields can be kept")
}

// blameCalls words an error about a template, at the line where it calls one of the functions.
func (c *Chart) blameCalls(name string, called map[string]bool, message, advice string) error {
	functions := slices.Sorted(maps.Keys(called))
	file, line := c.usage(name, functions)
	if len(functions) > 0 {
		message += ": it calls " + strings.Join(functions, ", ")
	}
	if file != c.from[name] {
		message += " (rendering " + c.from[name] + ")"
	}
	return &Error{File: file, Line: line, Message: message, Hint: advice, Differs: true}
}

// maxBlamed bounds how often a chart is rendered to find the file to blame.
const maxBlamed = 16

// blame finds the file that does not hold its content and on which the output of a template depends; nil when it is none.
func (c *Chart) blame(name string, first map[string]string, o Options, again func() (map[string]string, error)) error {
	for _, f := range c.placeholders[:min(len(c.placeholders), maxBlamed)] {
		restore := otherContent([]*common.File{f})
		output, err := again()
		restore()
		if err != nil || !sameObjects(name, first, output, o) {
			kind, _ := placeholder.Of(f.Data)
			return placeholderError(c.at[f], kind, c.from[name])
		}
	}
	return nil
}

// sameObjects reports whether a template gives the same objects in both outputs. What is never applied does not count:
// NOTES.txt, tests, rollback hooks, comments.
func sameObjects(name string, first, second map[string]string, o Options) bool {
	if first[name] == second[name] || strings.HasSuffix(name, "NOTES.txt") {
		return true
	}
	return reflect.DeepEqual(appliedOf(first[name], o), appliedOf(second[name], o))
}

// appliedOf returns the values of the manifests in a template's output that can be applied, in their order. Text that is
// no YAML stands for itself: it is refused later.
func appliedOf(output string, o Options) []any {
	var all []any
	for _, text := range inOrder(releaseutil.SplitManifests(output)) {
		var value any
		manifest, _ := safeyaml.Tame([]byte(text))
		if err := yaml.Unmarshal(manifest, &value); err != nil {
			value = text
		}
		if value != nil && !neverApplied(manifest, o) {
			all = append(all, value)
		}
	}
	return all
}

// inOrder returns the manifests that Helm's splitter found in the order of the text.
func inOrder(manifests map[string]string) []string {
	keys := releaseutil.BySplitManifestsOrder(slices.Collect(maps.Keys(manifests)))
	sort.Sort(keys)
	var all []string
	for _, key := range keys {
		all = append(all, manifests[key])
	}
	return all
}

// neverApplied holds for hooks that only Helm's own commands run, and for those that Helm leaves out because it does
// not know one of their events.
func neverApplied(manifest []byte, o Options) bool {
	var head releaseutil.SimpleHead
	if err := yaml.Unmarshal(manifest, &head); err != nil || head.Metadata == nil {
		return false
	}
	events, isHook := head.Metadata.Annotations[release.HookAnnotation]
	if !isHook {
		return false
	}
	never := true
	for event := range strings.SplitSeq(events, ",") {
		event := release.HookEvent(strings.ToLower(strings.TrimSpace(event)))
		if !slices.Contains(knownEvents, event) {
			return true
		}
		never = never && unusedEvent(event, o)
	}
	return never || o.NoHooks
}

// renderTwice returns the output of the first run, if the second one gives the same objects. Where Options.Generated accepts other
// values, again is the output of the second run; nil means that it is the same.
func (c *Chart) renderTwice(ctx context.Context, o Options, capabilities *common.Capabilities) (first, again map[string]string, err error) {
	defaults := map[*v2.Chart]map[string]any{}
	eachChart(c.root, func(ch *v2.Chart) { defaults[ch] = deepCopy(ch.Values) })
	started := time.Now()
	var drawn draws
	runNumber := func(number int, d *drawing) (*run, map[string]string, error) {
		eachChart(c.root, func(ch *v2.Chart) { ch.Values = deepCopy(defaults[ch]) })
		r := &run{chart: c, number: number, started: started, progress: o.Progress, drawing: d}
		output, err := r.render(ctx, o, capabilities)
		return r, output, err
	}
	draw := func(of way) *drawing {
		if !o.Generated {
			return nil
		}
		return &drawing{draws: &drawn, way: of, next: map[string]int{}}
	}
	likeFirst := func() (map[string]string, error) {
		_, output, err := runNumber(0, draw(repeated))
		return output, err
	}
	_, first, err = runNumber(0, draw(drawnFirst))
	if err != nil {
		return nil, nil, cmp.Or(c.blameForError(err, likeFirst), c.alsoHolds(err))
	}
	restore := otherContent(c.placeholders)
	r, second, err := runNumber(1, draw(drawnOther))
	restore()
	if err != nil {
		return nil, nil, cmp.Or(c.blameForError(nil, likeFirst), err)
	}
	c.called = r.called
	if !o.Generated {
		return first, nil, r.compare(first, second, o, likeFirst)
	}
	if sameOutput(first, second, o) {
		return first, nil, nil
	}
	return first, second, c.blameForOutput(first, o, likeFirst)
}

// sameOutput reports whether two outputs give the same objects.
func sameOutput(first, second map[string]string, o Options) bool {
	for name := range second {
		if !sameObjects(name, first, second, o) {
			return false
		}
	}
	return true
}

// blameForOutput finds the file that does not hold its content and on which the output depends; nil when it is none.
func (c *Chart) blameForOutput(first map[string]string, o Options, again func() (map[string]string, error)) error {
	for _, f := range c.placeholders[:min(len(c.placeholders), maxBlamed)] {
		restore := otherContent([]*common.File{f})
		output, err := again()
		restore()
		kind, _ := placeholder.Of(f.Data)
		if err != nil {
			return placeholderError(c.at[f], kind, "")
		}
		for _, name := range slices.Sorted(maps.Keys(first)) {
			if !sameObjects(name, first, output, o) {
				return placeholderError(c.at[f], kind, c.from[name])
			}
		}
	}
	return nil
}

// blameForError finds the file that does not hold its content and whose content decides with which error a render fails;
// nil when it is none.
func (c *Chart) blameForError(failure error, again func() (map[string]string, error)) error {
	for _, f := range c.placeholders[:min(len(c.placeholders), maxBlamed)] {
		restore := otherContent([]*common.File{f})
		_, err := again()
		restore()
		if (err == nil) != (failure == nil) || err != nil && err.Error() != failure.Error() {
			kind, _ := placeholder.Of(f.Data)
			return placeholderError(c.at[f], kind, "")
		}
	}
	return nil
}
