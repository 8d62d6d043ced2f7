package plugin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// saidByList are the flags that describe the one app of a directory without a gitops.yaml.
var saidByList = [...]string{"name", "target-namespace", "allow-plain-secrets"}

// target returns what to work on and where it comes from: the flags when --repo is given, otherwise what the records of
// the named apps (or of the only source) say.
func (f *sourceFlags) target(ctx context.Context, cmd *cobra.Command, store *store.Store, names []string) (reconcile.Target, source.Repo, error) {
	t := reconcile.Target{Only: names}
	for _, flag := range saidByList {
		if cmd.Flags().Changed(flag) {
			t.Flags = append(t.Flags, "--"+flag)
		}
	}
	if f.repo == "" {
		if f.name != "" && len(names) == 0 {
			names = []string{f.name}
			t.Only = names
			t.Flags = slices.DeleteFunc(t.Flags, func(flag string) bool { return flag == "--name" })
		}
		list, err := f.listOf(ctx, store, names)
		switch {
		case err != nil:
			return t, source.Repo{}, err
		case list == nil:
			app, repo, err := f.resolve(ctx, store, names)
			t.App = app
			return t, repo, err
		case cmd.Flags().Changed("path") && cleanPath(f.path) != list.Path:
			return t, source.Repo{}, hint.Errorf(fmt.Sprintf("--path %s is not where the gitops.yaml of %s is: that is %s", f.path, whose(names), list.Path),
				"leave --path out; another gitops.yaml needs --repo, and better an instance of its own (-n)")
		}
		f.repo, f.path, f.ref = list.Repo, list.Path, cmp.Or(f.ref, list.Ref)
	}
	var err error
	t.App, err = f.appOf()
	return t, f.repository(), err
}

func whose(names []string) string {
	if len(names) == 0 {
		return "this instance"
	}
	return strings.Join(names, ", ")
}

// listOf returns the gitops.yaml that the named apps come from, or with no name the only one of the instance; nil when
// it is one app of a directory without.
func (f *sourceFlags) listOf(ctx context.Context, store *store.Store, names []string) (*report.Source, error) {
	records, err := store.Peek(ctx)
	if err != nil {
		return nil, err
	}
	lists, listed, alone := map[report.Source]report.Source{}, map[string]report.Source{}, 0
	add := func(app string, from report.Source) {
		key := report.Source{Repo: from.Repo, Path: from.Path}
		lists[key] = from
		listed[app] = key
	}
	for name, rec := range records {
		switch {
		case rec.Inventory == nil || rec.Source.Repo == "":
		case rec.List == "":
			alone++
		default:
			add(name, report.Source{Repo: rec.Source.Repo, Ref: rec.Source.Ref, Path: rec.List})
		}
	}
	for _, l := range store.AppLists() {
		for _, name := range l.Apps {
			add(name, l.Source)
		}
	}
	if len(names) == 0 {
		for _, from := range lists {
			if len(lists) == 1 && alone == 0 || f.path != "." && from.Path == cleanPath(f.path) {
				return &from, nil
			}
		}
		return nil, manyLists(lists, alone, f)
	}
	var found *report.Source
	for _, name := range names {
		key, ok := listed[name]
		switch {
		case !ok && (len(lists) == 0 || found == nil && len(names) == 1):
			return nil, nil
		case !ok:
			return nil, unknownApp(name, store.Namespace, slices.Collect(maps.Keys(listed)))
		case found != nil && (found.Repo != key.Repo || found.Path != key.Path):
			return nil, hint.Errorf("the apps "+strings.Join(names, ", ")+" come from more than one gitops.yaml", "name those of one")
		}
		from := lists[key]
		found = &from
	}
	return found, nil
}

// manyLists says that there is a choice between several gitops.yaml, or one and apps of their own.
func manyLists(lists map[report.Source]report.Source, alone int, f *sourceFlags) error {
	if len(lists) == 0 || f.path != "." {
		return nil // flags and records of single apps tell
	}
	var paths []string
	for key := range lists {
		paths = append(paths, fmt.Sprintf("--repo %s --path %s", key.Repo, key.Path))
	}
	slices.Sort(paths)
	text := fmt.Sprintf("the instance holds apps of %s", plural(len(lists), "gitops.yaml", "different gitops.yaml"))
	if alone > 0 {
		text += fmt.Sprintf(" and %s of their own", plural(alone, "app", "apps"))
	}
	return hint.Errorf(text, "name the apps, or the source: %s", strings.Join(paths, "; or "))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
