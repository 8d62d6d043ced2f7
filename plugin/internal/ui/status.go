package plugin

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// statusTable prints one row per app, worst first.
func (u *ui) statusTable(list status.List, wide, instances bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(list.Items) == 0 {
		fmt.Fprintf(u.Err, "No apps found%s.\n", inNamespace(u.clean(u.Namespace)))
		return
	}
	t := &table{columns: []column{
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
		t.add(cell{text: s.Instance}, cell{text: s.Name}, cell{text: s.Revision.Short()}, word(s.Sync), word(s.Health),
			cell{text: strconv.Itoa(s.Objects.Total)}, cell{text: u.age(s.LastRun.Time)},
			cell{text: sourceText(s.Source)}, cell{text: s.Revision.Author}, cell{text: lasted},
			cell{text: firstLine(u.lasting(s.Message, s.Since))})
	}
	if !instances {
		t.dropFirst()
	}
	u.print(t, wide)
}

// instanceLines says what is wrong with the CronJob of an instance, or of several; nothing when it works.
func (u *ui) instanceLines(list status.List) {
	u.mu.Lock()
	defer u.mu.Unlock()
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
			fmt.Fprintln(u.Out)
		}
		first = false
		at := cluster.Ref{Kind: install.CronJobs, Name: install.Name}.String()
		if list.Instance == nil {
			at += inNamespace(u.clean(i.Namespace))
		}
		fmt.Fprintf(u.Out, "%s %s\n", at, u.clean(i.Message))
	}
}

// lasting adds to a message since when it is so.
func (u *ui) lasting(message string, since time.Time) string {
	if message == "" || since.IsZero() {
		return message
	}
	return firstLine(message) + ", for " + u.age(since)
}

func inNamespace(ns string) string {
	if ns == "" {
		return ""
	}
	return " in " + ns + " namespace"
}

// resourceTable prints one row per object of s, worst first.
func (u *ui) resourceTable(s status.App, wide bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(s.Resources) == 0 {
		fmt.Fprintf(u.Err, "No objects found in app %s.\n", u.clean(s.Name))
		return
	}
	t := &table{columns: []column{
		{name: "NAME"}, {name: "NAMESPACE", yields: 1}, {name: "SYNC"}, {name: "HEALTH"}, {name: "MESSAGE"},
	}}
	for _, r := range worstResources(s.Resources) {
		t.add(cell{text: cmp.Or(r.Short, r.Object)}, cell{text: r.Namespace}, word(r.Sync), word(r.Health),
			cell{text: firstLine(u.lasting(r.Message, r.Since))})
	}
	u.print(t, wide)
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

// bySync orders worst first; a word it does not know comes before all that it knows.
func bySync(a, b report.Sync) int {
	worst := []report.Sync{report.SyncFailed, report.SyncDrifted, report.SyncPending, report.SyncUnknown,
		report.SyncSuspended, report.Synced}
	return cmp.Compare(slices.Index(worst, a), slices.Index(worst, b))
}

func byHealth(a, b health.State) int {
	worst := []health.State{health.Degraded, health.Missing, health.Progressing, health.Unknown,
		health.Suspended, health.Healthy}
	return cmp.Compare(slices.Index(worst, a), slices.Index(worst, b))
}

// sourceText writes repository and path as one word, with Kustomize's "//" between them.
func sourceText(s report.Source) string {
	path := strings.Trim(s.Path, "/")
	if path == "" || path == "." {
		return s.Repo
	}
	return strings.TrimSuffix(s.Repo, "/") + "//" + path
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
