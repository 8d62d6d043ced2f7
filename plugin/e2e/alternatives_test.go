package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kinds"
)

// alternative is a field of a struct with one value.
type alternative struct {
	field string
	value any
}

func (a alternative) String() string {
	if s, ok := a.value.(string); ok {
		return a.field + "=" + s
	}
	return a.field
}

func fieldsOf(list ...alternative) map[string]any {
	out := map[string]any{}
	for _, a := range list {
		out[a.field] = a.value
	}
	return out
}

// pair is two ways to fill a struct, which cannot both be there: Git says the one, and somebody the other.
type pair struct {
	kinds.Struct
	what     string
	one, two map[string]any
	skip     string // why it is not tried
}

// asker asks the server by dry runs.
type asker struct {
	*site
	maker *kinds.Maker
	quiet dynamic.Interface // says no warnings
	asked atomic.Int64
}

func (a *asker) resource(k *kinds.Kind) dynamic.ResourceInterface {
	r := a.quiet.Resource(schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource})
	if k.Namespaced {
		return r.Namespace(a.ns)
	}
	return r
}

// create asks for an object of the kind whose struct has these fields.
func (a *asker) create(s kinds.Struct, set map[string]any) (*unstructured.Unstructured, error) {
	a.asked.Add(1)
	u := a.maker.Object(s, a.ns, a.ns+"-try", set)
	u, err := a.resource(s.Kind).Create(context.Background(), u, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: "Strict"})
	if err != nil {
		return nil, err
	}
	for field := range set {
		if _, stored := s.At(u)[field]; !stored {
			return nil, fmt.Errorf("the server drops %s: its feature is off, or nothing of it is stored", field)
		}
	}
	return u, nil
}

func (a *asker) valid(s kinds.Struct, list ...alternative) bool {
	_, err := a.create(s, fieldsOf(list...))
	return err == nil
}

// excluded returns which of list the server does not take beside one, when it takes all of them together.
func (a *asker) excluded(s kinds.Struct, one alternative, list []alternative) []alternative {
	switch {
	case len(list) == 0 || a.valid(s, append(slices.Clone(list), one)...):
		return nil
	case len(list) == 1:
		return list
	}
	return append(a.excluded(s, one, list[:len(list)/2]), a.excluded(s, one, list[len(list)/2:])...)
}

// pairs finds the alternatives of a struct: fields that the server takes, but not together.
func (a *asker) pairs(s kinds.Struct) (out []pair, unknown []string) {
	var together, apart []alternative
	for _, field := range s.Fields() {
		if len(s.Lists()[field]) > 0 {
			continue
		}
		for _, v := range a.maker.Variants(s, field) {
			one := alternative{field, v}
			if _, err := a.create(s, fieldsOf(one)); err != nil {
				unknown = append(unknown, fmt.Sprintf("%s.%s: %s", s, one, reason(err)))
				continue
			}
			taken := slices.ContainsFunc(together, func(o alternative) bool { return o.field == field })
			if !taken && a.valid(s, append(slices.Clone(together), one)...) {
				together = append(together, one)
			} else {
				apart = append(apart, one)
			}
		}
	}
	for _, group := range a.maker.Alternatives(s) {
		for i := range group[1:] {
			p := pair{Struct: s, what: named(group[i]) + " | " + named(group[i+1]), one: group[i], two: group[i+1]}
			for _, set := range []map[string]any{p.one, p.two} {
				if _, err := a.create(s, set); err != nil {
					p.skip = "not created: " + reason(err)
				}
			}
			both := maps.Clone(p.two)
			maps.Copy(both, p.one)
			if _, err := a.create(s, both); err == nil && p.skip == "" {
				p.skip = "the server takes both: what a person adds stays"
			}
			out = append(out, p)
		}
	}
	found := map[[2]string]bool{}
	for i, one := range apart {
		beside := slices.DeleteFunc(slices.Clone(together), func(o alternative) bool { return o.field == one.field || found[[2]string{o.field, one.field}] })
		others := a.excluded(s, one, beside)
		for _, o := range apart[:i] {
			if o.field != one.field && !found[[2]string{o.field, one.field}] && !a.valid(s, o, one) {
				others = append(others, o)
			}
		}
		for _, o := range others {
			if key := [2]string{o.field, one.field}; !found[key] {
				found[key], found[[2]string{one.field, o.field}] = true, true
				out = append(out, pair{Struct: s, what: fmt.Sprintf("%s | %s", o, one), one: fieldsOf(o), two: fieldsOf(one)})
			}
		}
	}
	return out, unknown
}

func named(set map[string]any) string {
	var names []string
	for _, field := range slices.Sorted(maps.Keys(set)) {
		names = append(names, alternative{field, set[field]}.String())
	}
	return strings.Join(names, "+")
}

// lists are the lists of a struct whose items have keys: an item whose key changes alone, and one of which all changes.
func (a *asker) lists(s kinds.Struct) []pair {
	var out []pair
	for _, field := range slices.Sorted(maps.Keys(s.Lists())) {
		for _, alike := range []bool{true, false} {
			one, two := a.maker.Items(s, field, alike)
			p := pair{Struct: s, what: field + ", another item", one: map[string]any{field: []any{one}}, two: map[string]any{field: []any{two}}}
			if alike {
				p.what = fmt.Sprintf("%s, another %s", field, strings.Join(append(s.Lists()[field], "value")[:1], ""))
			}
			for _, set := range []map[string]any{p.one, p.two} {
				if _, err := a.create(s, set); err != nil && p.skip == "" {
					p.skip = "not created: " + reason(err)
				}
			}
			if len(out) > 0 && jsonOf(out[len(out)-1].two) == jsonOf(p.two) {
				continue
			}
			out = append(out, p)
		}
	}
	return out
}

// reason is the server's, on one line.
func reason(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if _, after, ok := strings.Cut(text, " is invalid: "); ok {
		text = after
	}
	return text[:min(len(text), 180)]
}

// trial is a pair and the objects that it is tried with.
type trial struct {
	pair
	name    string
	drifts  *unstructured.Unstructured            // what Git says of the object that somebody changes
	taken   map[string]*unstructured.Unstructured // of those that another manager made, by manager
	before  string                                // what the object was before somebody changed it
	results map[string]string                     // by phase
}

// formerly are the managers that made objects which are then taken over.
var formerly = []string{"helm", "kubectl-client-side-apply"}

// TestFieldAlternatives shows rows P1 to P4 on every list whose items have keys, and every pair of alternatives, of
// Kubernetes' own kinds. The lists come from OpenAPI. What excludes each other the server says in dry runs: two fields
// that it takes, but not together. Each is edited as kubectl edit would, reverted, changed in Git, edited back, and taken
// over from two other managers. SOAK tries all pairs of large groups, otherwise each member and the next.
func TestFieldAlternatives(t *testing.T) {
	s, err := newSite(t, "alternatives")
	if err != nil {
		t.Fatal(err)
	}
	list, err := kinds.Read(t.Context(), shared.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	maker, err := kinds.NewMaker()
	if err != nil {
		t.Fatal(err)
	}
	quiet := shared.cluster.RESTConfig()
	quiet.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(quiet)
	if err != nil {
		t.Fatal(err)
	}
	a := &asker{site: s, maker: maker, quiet: client}
	structs := kinds.Structs(inOrder(list))
	if unknown := maker.Unknown(structs); len(unknown) > 0 {
		t.Errorf("samples.yaml is about what there is not: %v", unknown)
	}
	pairs, lacking := a.all(structs)
	t.Logf("%d kinds, %d structs: %d pairs, found by %d dry runs", len(list), len(structs), len(pairs), a.asked.Load())
	b := &bench{asker: a}
	for i, p := range pairs {
		b.trials = append(b.trials, &trial{pair: p, name: fmt.Sprintf("%s-%d", s.ns, i), taken: map[string]*unstructured.Unstructured{}, results: map[string]string{}})
	}
	t.Cleanup(b.remove)
	if err := b.run(); err != nil {
		t.Fatal(err)
	}
	b.print(t, lacking)
}

// inOrder puts first what can be changed most freely, since each struct is tried in one kind only.
func inOrder(list []*kinds.Kind) []*kinds.Kind {
	first := []string{"Service", "PodTemplate", "CronJob", "Deployment"}
	rank := func(k *kinds.Kind) int {
		if i := slices.Index(first, k.Kind); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(list, func(a, b *kinds.Kind) int { return rank(a) - rank(b) })
	return list
}

// all finds the pairs of all structs, and what there is no valid example of.
func (a *asker) all(structs []kinds.Struct) (pairs []pair, lacking []string) {
	found, unknown := make([][]pair, len(structs)), make([][]string, len(structs))
	var wg sync.WaitGroup
	slots := make(chan bool, 8)
	for i, s := range structs {
		wg.Go(func() {
			slots <- true
			defer func() { <-slots }()
			if why := a.maker.Skip[s.Kind.Kind]; why != "" {
				if s.String() == s.Kind.Kind {
					unknown[i] = []string{s.Kind.Kind + ": " + why}
				}
				return
			}
			found[i], unknown[i] = a.pairs(s)
			found[i] = append(a.lists(s), chained(found[i])...)
		})
	}
	wg.Wait()
	return slices.Concat(found...), slices.Concat(unknown...)
}

// chained leaves of many pairs those of a field and the next.
func chained(list []pair) []pair {
	if len(list) < 40 || os.Getenv("SOAK") != "" {
		return list
	}
	seen := map[string]bool{}
	for i, p := range list {
		if _, two, _ := strings.Cut(p.what, " | "); seen[two] {
			list[i].skip = "of a group of alternatives: each is tried with another one"
		} else {
			seen[two] = true
		}
	}
	return list
}

// bench is the app that all trials are objects of.
type bench struct {
	*asker
	trials []*trial
}

func (b *bench) each(do func(*trial)) {
	var wg sync.WaitGroup
	slots := make(chan bool, 8)
	for _, one := range b.trials {
		if one.skip == "" {
			wg.Go(func() {
				slots <- true
				defer func() { <-slots }()
				do(one)
			})
		}
	}
	wg.Wait()
}

func (b *bench) run() error {
	ctx := context.Background()
	b.each(func(t *trial) {
		t.drifts = b.maker.Object(t.Struct, b.ns, t.name, t.one)
		for _, manager := range formerly {
			name := t.name + "-" + manager[:1]
			theirs := b.maker.Object(t.Struct, b.ns, name, t.two)
			if theirs.GetName() != name {
				continue // its name says what it is: there is one only
			}
			if _, err := b.resource(t.Kind).Create(ctx, theirs, metav1.CreateOptions{FieldManager: manager}); err != nil {
				t.results["made by "+manager] = "skipped: " + reason(err)
				continue
			}
			t.taken[manager] = b.maker.Object(t.Struct, b.ns, name, t.one)
		}
	})
	if err := b.phase("applied", nil); err != nil {
		return err
	}
	b.each(func(t *trial) { t.before = b.content(t) })
	b.each(func(t *trial) { b.compareTaken(t) })
	b.edit("reverted", func(t *trial) map[string]any { return t.two })
	if err := b.phase("reverted", b.asBefore); err != nil {
		return err
	}
	b.each(func(t *trial) {
		if t.results["reverted"] == "" {
			t.drifts = b.maker.Object(t.Struct, b.ns, t.name, t.two)
		}
	})
	if err := b.phase("changed in Git", b.asGit); err != nil {
		return err
	}
	b.each(func(t *trial) { t.before = b.content(t) })
	b.edit("reverted again", func(t *trial) map[string]any { return t.one })
	if err := b.phase("reverted again", b.asBefore); err != nil {
		return err
	}
	return b.phase("nothing to do", nil)
}

// edit changes each object as kubectl edit would: the fields of the pair alone or, if what the server filled in beside
// them excludes these, the struct or all but the metadata.
func (b *bench) edit(phase string, set func(*trial) map[string]any) {
	ctx := context.Background()
	b.each(func(t *trial) {
		live, err := b.resource(t.Kind).Get(ctx, t.drifts.GetName(), metav1.GetOptions{})
		if err != nil {
			t.results[phase] = err.Error()
			return
		}
		whole := b.maker.Object(t.Struct, b.ns, t.name, set(t))
		for _, edited := range []*unstructured.Unstructured{live.DeepCopy(), live.DeepCopy(), whole} {
			at, want := t.At(edited), t.At(whole)
			switch {
			case edited == whole:
				whole.Object["metadata"] = live.Object["metadata"]
			case at == nil, err != nil && t.Top():
				continue
			default:
				maps.DeleteFunc(at, func(field string, _ any) bool {
					_, one := t.one[field]
					_, two := t.two[field]
					return one || two || err != nil
				})
				maps.Copy(at, want)
				edited.Object["metadata"] = live.Object["metadata"]
			}
			if _, err = b.resource(t.Kind).Update(ctx, edited, metav1.UpdateOptions{FieldManager: "kubectl-edit"}); err == nil {
				return
			}
		}
		t.results[phase] = "skipped: nobody can edit it so: " + reason(err)
	})
}

// unchangeable says why nobody can make an object of another manager as Git says, "" if somebody can.
func (b *bench) unchangeable(t *trial, git *unstructured.Unstructured) string {
	ctx := context.Background()
	live, err := b.resource(t.Kind).Get(ctx, git.GetName(), metav1.GetOptions{})
	if err == nil {
		u := git.DeepCopy()
		u.Object["metadata"] = live.Object["metadata"]
		_, err = b.resource(t.Kind).Update(ctx, u, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
	}
	if err == nil {
		return ""
	}
	return "skipped: nobody can change it so: " + reason(err)
}

// content is the live object without status and bookkeeping.
func (b *bench) content(t *trial) string {
	live, err := b.resource(t.Kind).Get(context.Background(), t.drifts.GetName(), metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	return content(live)
}

func (b *bench) asBefore(t *trial) error {
	if now := b.content(t); now != t.before {
		return fmt.Errorf("not as it was:\n    %s\n    %s", t.before, now)
	}
	return nil
}

// asGit compares the fields of the pair with those of an object that is created.
func (b *bench) asGit(t *trial) error { return b.fresh(t, t.drifts) }

func (b *bench) fresh(t *trial, git *unstructured.Unstructured) error {
	live, err := b.resource(t.Kind).Get(context.Background(), git.GetName(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	set := t.one
	if jsonOf(t.At(git)) == jsonOf(t.At(b.maker.Object(t.Struct, b.ns, git.GetName(), t.two))) {
		set = t.two
	}
	want, err := b.create(t.Struct, set)
	if err != nil {
		return err
	}
	for _, of := range []map[string]any{t.one, t.two} {
		for field := range of {
			if got, want := jsonOf(t.At(live)[field]), jsonOf(t.At(want)[field]); got != want {
				return fmt.Errorf("%s is %s, want %s", field, got, want)
			}
		}
	}
	return nil
}

func (b *bench) compareTaken(t *trial) {
	for manager, git := range t.taken {
		what := "made by " + manager
		if t.results[what] == "" {
			t.results[what] = errorText(b.fresh(t, git))
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

// phase reconciles, first as a dry run, whose report has to be the same, and judges each object that the phase is about.
func (b *bench) phase(name string, check func(*trial) error) error {
	var objects []string
	for _, t := range b.trials {
		for _, u := range append(slices.Collect(maps.Values(t.taken)), t.drifts) {
			if u != nil {
				objects = append(objects, jsonOf(u.Object))
			}
		}
	}
	if err := errors.Join(os.WriteFile(filepath.Join(b.repo, "app.yaml"), []byte(strings.Join(objects, "\n---\n")), 0o600)); err != nil {
		return err
	}
	for _, args := range [][]string{{"add", "--all"}, {"commit", "--quiet", "--allow-empty", "--message", name}} {
		if _, err := git(b.env, append([]string{"-C", b.repo}, args...)...); err != nil {
			return err
		}
	}
	would, err := b.report("--dry-run=server")
	if err != nil {
		return err
	}
	did, err := b.report()
	if err != nil {
		return err
	}
	b.each(func(t *trial) {
		for manager, u := range t.taken {
			if c := did[changed(t.Kind, u)]; c.Action == "failed" && t.results["made by "+manager] == "" {
				t.results["made by "+manager] = cmp.Or(b.unchangeable(t, u), c.Error)
			}
		}
		if t.results[name] != "" {
			return
		}
		c, dry := did[changed(t.Kind, t.drifts)], would[changed(t.Kind, t.drifts)]
		switch {
		case c.Action == "failed":
			t.results[name] = c.Error
		case c.String() != dry.String():
			t.results[name] = fmt.Sprintf("the dry run says\n    %s, and the run\n    %s", dry, c)
		case name == "nothing to do" && c.Action != "":
			t.results[name] = c.String()
		case check != nil:
			t.results[name] = errorText(check(t))
		default:
			t.results[name] = "ok"
		}
	})
	return nil
}

// change is what a report says of one object.
type change struct {
	Object, Action, Error string
	Fields                []struct {
		Path     string
		From, To any
	}
}

func (c change) String() string {
	text := c.Action
	for _, f := range c.Fields {
		text += fmt.Sprintf(" %s:%s>%s", f.Path, jsonOf(f.From), jsonOf(f.To))
	}
	return text
}

func changed(k *kinds.Kind, u *unstructured.Unstructured) string { return k.Kind + "/" + u.GetName() }

func (b *bench) report(args ...string) (map[string]change, error) {
	r := b.plugin(append([]string{"reconcile", "--repo", b.repo, "--name", "app", "--allow-plain-secrets", "--timeout", "20s", "-o", "json"}, args...)...)
	var report struct {
		Apps []struct {
			Message string
			Changes []change
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || len(report.Apps) != 1 {
		return nil, fmt.Errorf("%s (%v)", r, err)
	}
	if len(report.Apps[0].Changes) == 0 && r.code != 0 && !strings.Contains(report.Apps[0].Message, "healthy") {
		return nil, fmt.Errorf("%s", r)
	}
	out := map[string]change{}
	for _, c := range report.Apps[0].Changes {
		parts := strings.Split(c.Object, "/")
		out[parts[1]+"/"+parts[len(parts)-1]] = c
	}
	return out, nil
}

// remove deletes what is in the way of other tests.
func (b *bench) remove() {
	ctx := context.Background()
	b.each(func(t *trial) {
		for _, u := range append(slices.Collect(maps.Values(t.taken)), t.drifts) {
			if u != nil {
				_ = b.resource(t.Kind).Delete(ctx, u.GetName(), metav1.DeleteOptions{})
			}
		}
	})
}

// print prints the table, and what failed.
func (b *bench) print(t *testing.T, lacking []string) {
	phases := []string{"applied", "reverted", "changed in Git", "reverted again", "nothing to do"}
	for _, manager := range formerly {
		phases = append(phases, "made by "+manager)
	}
	counts := map[string]int{}
	var lines []string
	for _, one := range b.trials {
		line := one.Struct.String() + ": " + one.what
		if one.skip != "" {
			counts["not tried"]++
			lines = append(lines, line+"\n  not tried: "+one.skip)
			continue
		}
		counts["tried"]++
		for _, phase := range phases {
			switch result := one.results[phase]; {
			case result == "ok":
				counts[phase]++
			case result == "", strings.HasPrefix(result, "skipped"):
				counts[phase+", skipped"]++
				line += fmt.Sprintf("\n  %s: %s", phase, result)
			default:
				counts["failed"]++
				line += fmt.Sprintf("\n  FAILED %s: %s", phase, result)
				t.Errorf("%s: %s: %s", one.Struct, one.what, phase+": "+result)
			}
		}
		lines = append(lines, line)
	}
	t.Logf("fields without a valid example:\n%s", strings.Join(lacking, "\n"))
	t.Logf("the table:\n%s", strings.Join(lines, "\n"))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%5d %s", counts[name], name)
	}
}
