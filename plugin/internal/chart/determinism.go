package chart

import (
	"cmp"
	"context"
	"fmt"
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
	functions := slices.Sorted(maps.Keys(r.called[name]))
	file, line := r.chart.usage(name, functions)
	message := "renders something else each time"
	if len(functions) > 0 {
		message = fmt.Sprintf("renders something else each time: it calls %s", strings.Join(functions, ", "))
	}
	if file != r.chart.from[name] {
		message += " (rendering " + r.chart.from[name] + ")"
	}
	return &Error{File: file, Line: line, Message: message,
		Hint: "give the chart a fixed value: a password, a certificate or an existing Secret, as its values allow"}
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
		never = never && unusedEvent(event)
	}
	return never || o.NoHooks
}

// renderTwice returns the output of the first run, if the second one gives the same objects.
func (c *Chart) renderTwice(ctx context.Context, o Options, capabilities *common.Capabilities) (map[string]string, error) {
	defaults := map[*v2.Chart]map[string]any{}
	eachChart(c.root, func(ch *v2.Chart) { defaults[ch] = deepCopy(ch.Values) })
	started := time.Now()
	runNumber := func(number int) (*run, map[string]string, error) {
		eachChart(c.root, func(ch *v2.Chart) { ch.Values = deepCopy(defaults[ch]) })
		r := &run{chart: c, number: number, started: started, progress: o.Progress}
		output, err := r.render(ctx, o, capabilities)
		return r, output, err
	}
	again := func() (map[string]string, error) {
		_, output, err := runNumber(0)
		return output, err
	}
	_, first, err := runNumber(0)
	if err != nil {
		return nil, cmp.Or(c.blameForError(err, again), c.alsoHolds(err))
	}
	restore := otherContent(c.placeholders)
	r, second, err := runNumber(1)
	restore()
	if err != nil {
		return nil, cmp.Or(c.blameForError(nil, again), err)
	}
	return first, r.compare(first, second, o, again)
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
