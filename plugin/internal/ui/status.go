package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// Status prints one row for each app, worst first. namespace is that of the instance, "" for the apps of all instances. wide
// adds columns.
func Status(t *Terminal, list status.List, namespace string, wide bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(list.Items) == 0 {
		fmt.Fprintf(t.Err, "No apps found%s.\n", inNamespace(t.clean(namespace)))
		return
	}
	rows := &table{columns: []column{
		{name: "INSTANCE"},
		{name: "NAME"},
		{name: "REVISION", yields: 3},
		{name: "SYNC"},
		{name: "HEALTH"},
		{name: "OBJECTS", yields: 1},
		{name: "LAST RUN", yields: 2},
		{name: "SOURCE", wide: true},
		{name: "AUTHOR", wide: true},
		{name: "TOOK", wide: true},
		{name: "MESSAGE"},
	}}
	for _, s := range worstApps(list.Items) {
		lasted := ""
		if !s.LastRun.Time.IsZero() {
			lasted = took(s.LastRun.Duration.Duration)
		}
		rows.add(cell{text: s.Instance}, cell{text: s.Name}, cell{text: s.Revision.Short()}, word(s.Sync), word(s.Health),
			cell{text: strconv.Itoa(s.Objects.Total)}, cell{text: t.age(s.LastRun.Time)},
			cell{text: sourceText(s.Source)}, cell{text: s.Revision.Author}, cell{text: lasted},
			cell{text: FirstLine(t.lasting(s.Message, s.Since))})
	}
	if namespace != "" {
		rows.dropFirst()
	}
	t.print(rows, wide)
}

// Instances prints what is wrong with the CronJobs of the instances in list. It prints nothing about one that works. cronJob
// is the name of the object as it is shown.
func Instances(t *Terminal, list status.List, cronJob string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	several := list.Instances
	if list.Instance != nil {
		several = append(several, *list.Instance)
	}
	first := true
	for _, i := range several {
		if i.Message == "" {
			continue
		}
		if first {
			fmt.Fprintln(t.Out)
		}
		first = false
		at := cronJob
		if list.Instance == nil {
			at += inNamespace(t.clean(i.Namespace))
		}
		fmt.Fprintf(t.Out, "%s %s\n", at, t.clean(i.Message))
	}
}

// lasting adds to a message since when it is so.
func (w wording) lasting(message string, since time.Time) string {
	if message == "" || since.IsZero() {
		return message
	}
	return FirstLine(message) + ", for " + w.age(since)
}

func inNamespace(ns string) string {
	if ns == "" {
		return ""
	}
	return " in " + ns + " namespace"
}

// Resources prints one row for each object of an app, worst first. wide adds columns.
func Resources(t *Terminal, s status.App, wide bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(s.Resources) == 0 {
		fmt.Fprintf(t.Err, "No objects found in app %s.\n", t.clean(s.Name))
		return
	}
	rows := &table{columns: []column{
		{name: "NAME"}, {name: "NAMESPACE", yields: 1}, {name: "SYNC"}, {name: "HEALTH"}, {name: "MESSAGE"},
	}}
	for _, r := range worstResources(s.Resources) {
		rows.add(cell{text: cmp.Or(r.Short, r.Object)}, cell{text: r.Namespace}, word(r.Sync), word(r.Health),
			cell{text: FirstLine(t.lasting(r.Message, r.Since))})
	}
	t.print(rows, wide)
}

// Charts prints one row for each chart that was fetched for an app: a range with the version that it means, as "4.x = 4.13.2". It
// prints nothing where there is none.
func Charts(t *Terminal, s status.App, wide bool) {
	if len(s.Charts) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.Out)
	rows := &table{columns: []column{{name: "CHART"}, {name: "VERSION"}, {name: "REPOSITORY"}, {name: "DIGEST", wide: true}}}
	for _, c := range s.Charts {
		version := c.Version
		if c.Constraint != "" {
			version = c.Constraint + " = " + c.Version
		}
		rows.add(cell{text: c.Name}, cell{text: version}, cell{text: c.Repository}, cell{text: c.Digest})
	}
	t.print(rows, wide)
}

// Sources prints one row for each tree from elsewhere that an app is rendered from: its ref with what it stands for, as "1.x = v1.4.0". It prints
// nothing where there is none.
func Sources(t *Terminal, s status.App, wide bool) {
	if len(s.Trees) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.Out)
	rows := &table{columns: []column{{name: "SOURCE"}, {name: "VERSION"}, {name: "DIGEST", wide: true}}}
	for _, tree := range s.Trees {
		version := cmp.Or(tree.Ref, "HEAD")
		switch {
		case tree.Digest == "sha1:"+tree.Version:
			version += fmt.Sprintf(" = %.7s", tree.Version)
		case tree.Ref != tree.Version:
			version += " = " + tree.Version
		}
		rows.add(cell{text: tree.URL}, cell{text: version}, cell{text: tree.Digest})
	}
	t.print(rows, wide)
}

func worstApps(items []status.App) []status.App {
	return slices.SortedStableFunc(slices.Values(items), func(a, b status.App) int {
		return cmp.Or(bySync(a.Sync, b.Sync), byHealth(a.Health, b.Health), cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Name, b.Name))
	})
}

func worstResources(items []status.Resource) []status.Resource {
	return slices.SortedStableFunc(slices.Values(items), func(a, b status.Resource) int {
		return cmp.Or(bySync(a.Sync, b.Sync), byHealth(a.Health, b.Health),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Short, b.Short))
	})
}

// SyncWords returns the values of --sync, worst first.
func SyncWords() []string { return texts(worstSync()) }

// HealthWords returns the values of --health, worst first.
func HealthWords() []string { return texts(worstHealth()) }

func worstSync() []report.Sync {
	return []report.Sync{report.SyncFailed, report.SyncDrifted, report.SyncPending, report.SyncUnknown, report.SyncSuspended, report.Synced}
}

func worstHealth() []health.State {
	return []health.State{health.Degraded, health.Missing, health.Progressing, health.Unknown, health.Suspended, health.Healthy}
}

func texts[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

// bySync orders worst first; a word it does not know comes before all that it knows.
func bySync(a, b report.Sync) int {
	return cmp.Compare(slices.Index(worstSync(), a), slices.Index(worstSync(), b))
}

func byHealth(a, b health.State) int {
	return cmp.Compare(slices.Index(worstHealth(), a), slices.Index(worstHealth(), b))
}

// StatusSummary returns how many apps are in each sync state, worst first, such as "487 apps: 3 Failed, 2 Drifted, 482
// Synced".
func StatusSummary(items []status.App) string {
	var parts []string
	for _, word := range worstSync() {
		n := 0
		for _, s := range items {
			if s.Sync == word {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return fmt.Sprintf("%s: %s", report.Plural(len(items), "app"), strings.Join(parts, ", "))
}

// sourceText writes repository and path as one word, with Kustomize's "//" between them.
func sourceText(s report.Source) string {
	path := strings.Trim(s.Path, "/")
	if path == "" || path == "." {
		return s.Repo
	}
	return strings.TrimSuffix(s.Repo, "/") + "//" + path
}
