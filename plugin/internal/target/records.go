package target

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// recorded returns the record of the one app that names, or the instance itself, leaves no choice about.
func recorded(ctx context.Context, store *store.Store, records *record.Loaded, names []string) (*record.Record, error) {
	var known []string
	for name, rec := range records.Apps {
		if rec.Inventory != nil && rec.Source.Repo != "" {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	switch {
	case len(names) > 1:
		return nil, hint.Errorf("several apps at once need a gitops.yaml that lists them", "name one app")
	case len(names) == 1 && !slices.Contains(known, names[0]):
		if parents, err := store.Parents(ctx); err == nil && parents[names[0]] != nil {
			from := parents[names[0]].Report.Source
			return nil, hint.Errorf(fmt.Sprintf("the inventory of %s is lost, and with it the app's settings", names[0]),
				"run it once with --repo %s --path %s --name %s, and with the --target-namespace it had", from.Repo, from.Path, names[0])
		}
		return nil, UnknownApp(names[0], store.Namespace, known)
	case len(names) == 1:
		return records.Apps[names[0]], nil
	case len(known) == 1:
		return records.Apps[known[0]], nil
	case len(known) == 0:
		return nil, hint.Errorf(fmt.Sprintf("no --repo given, and namespace %s has no apps yet", store.Namespace),
			"say where the manifests are: --repo URL --path DIR --name APP")
	}
	return nil, hint.Errorf("no app named, and there are several", "name one of: %s", strings.Join(known, ", "))
}

// UnknownApp returns the error about an app that the instance does not have; known are the apps that it has.
func UnknownApp(name, namespace string, known []string) error {
	err := fmt.Errorf("no app %s in namespace %s", name, namespace)
	if len(known) == 0 {
		return hint.With(err, "it has none yet; -n selects another instance")
	}
	return hint.With(err, "it has: %s; -n selects another instance", strings.Join(slices.Sorted(slices.Values(known)), ", "))
}

// Names returns the apps of the instance, as far as they can be read.
func Names(ctx context.Context, store *store.Store) []string {
	var names []string
	if parents, err := store.Parents(ctx); err == nil {
		for name := range parents {
			names = append(names, name)
		}
	}
	return names
}

// listOf returns the gitops.yaml that the named apps come from, or with no name the only one of the instance; nil when
// it is one app of a directory without. namespace is that of the instance.
func (f *Flags) listOf(records *record.Loaded, namespace string, names []string) (*report.Source, error) {
	lists, listed, alone := map[report.Source]report.Source{}, map[string]report.Source{}, 0
	add := func(app string, from report.Source) {
		key := report.Source{Repo: from.Repo, Path: from.Path}
		lists[key] = from
		listed[app] = key
	}
	for name, rec := range records.Apps {
		switch {
		case rec.Inventory == nil || rec.Source.Repo == "":
		case rec.List == "":
			alone++
		default:
			add(name, report.Source{Repo: rec.Source.Repo, Ref: rec.Source.Ref, Path: rec.List})
		}
	}
	for _, l := range records.Lists {
		for _, name := range l.Apps {
			add(name, l.Source)
		}
	}
	if len(names) == 0 {
		for _, from := range lists {
			if len(lists) == 1 && alone == 0 || f.Path != "." && from.Path == cleanPath(f.Path) {
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
			return nil, UnknownApp(name, namespace, slices.Collect(maps.Keys(listed)))
		case found != nil && (found.Repo != key.Repo || found.Path != key.Path):
			return nil, hint.Errorf("the apps "+strings.Join(names, ", ")+" come from more than one gitops.yaml", "name only the apps of one gitops.yaml")
		}
		from := lists[key]
		found = &from
	}
	return found, nil
}

func differentLists(n int) string {
	if n == 1 {
		return "1 gitops.yaml"
	}
	return fmt.Sprintf("%d different gitops.yaml", n)
}

// manyLists says that there is a choice between several gitops.yaml, or one and apps of their own.
func manyLists(lists map[report.Source]report.Source, alone int, f *Flags) error {
	if len(lists) == 0 || f.Path != "." {
		return nil // flags and records of single apps tell
	}
	var paths []string
	for key := range lists {
		paths = append(paths, fmt.Sprintf("--repo %s --path %s", key.Repo, key.Path))
	}
	slices.Sort(paths)
	text := fmt.Sprintf("the instance holds apps of %s", differentLists(len(lists)))
	if alone > 0 {
		text += fmt.Sprintf(" and %s of their own", report.Plural(alone, "app"))
	}
	return hint.Errorf(text, "name the apps, or the source: %s", strings.Join(paths, "; or "))
}

// appSource is where an app of the instance comes from. dir is the directory of its gitops.yaml, or of the app itself.
type appSource struct {
	repo, ref, dir, commit string
}

// appSources returns where the apps of the instance come from, by name.
func appSources(records *record.Loaded) map[string]appSource {
	all := map[string]appSource{}
	for name, rec := range records.Apps {
		switch from := rec.Source; {
		case rec.Inventory == nil || from.Repo == "":
		case rec.List != "":
			all[name] = appSource{from.Repo, from.Ref, rec.List, rec.Revision.Commit}
		default:
			all[name] = appSource{from.Repo, from.Ref, from.Path, rec.Revision.Commit}
		}
	}
	for _, l := range records.Lists {
		for _, name := range l.Apps {
			all[name] = appSource{l.Source.Repo, l.Source.Ref, l.Source.Path, l.Revision.Commit}
		}
	}
	return all
}
