package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

const set = "applyset-shop-v1"

var (
	configMaps  = object.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	deployments = object.Kind{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments", Namespaced: true}
	noon        = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
)

// app is a record and a cluster that agree, until a test changes one of them.
type app struct {
	t    *testing.T
	rec  *record.Record
	live *live.Snapshot
	in   Input
}

func newApp(t *testing.T) *app {
	rec := record.New("shop")
	rec.Revision = report.Revision{Commit: "1111111aaaa", Ref: "main"}
	return &app{t, rec, live.New(), Input{Name: "shop", Set: set, Record: rec, Now: noon,
		Summary: &report.Summary{Name: "shop", Sync: report.Synced, Seen: "1111111aaaa", Revision: rec.Revision}}}
}

// ours is the share of our field manager.
const ours = `managedFields: [{manager: gitops, operation: Apply, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:labels": {"f:applyset.kubernetes.io/part-of": {}}}, "f:data": {"f:a": {}}, "f:spec": {"f:replicas": {}}}}]`

// has puts an object into the cluster, and into the record as it is there.
func (a *app) has(k object.Kind, namespace, name, more string, row func(*record.Row)) *app {
	a.t.Helper()
	u := &unstructured.Unstructured{}
	raw, err := yaml.YAMLToJSON([]byte(fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: %s, namespace: %s, uid: %s-1, resourceVersion: '5', generation: 1, "+
		"labels: {applyset.kubernetes.io/part-of: %s}, %s}, %s}", k.GVK().GroupVersion(), k.Kind, name, namespace, name, set, ours, more)))
	if err == nil {
		err = u.UnmarshalJSON(raw)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	owned, _, err := fields.Applied(u, record.Manager)
	if err != nil {
		a.t.Fatal(err)
	}
	r := record.Row{Ref: object.Ref{Kind: k, Namespace: namespace, Name: name}, UID: types.UID(name + "-1"), ResourceVersion: "5", Generation: 1, Manifest: "m",
		Owned: fields.Digest(a.rec.Secret, u, owned)}
	if row != nil {
		row(&r)
	}
	a.rec.Applied(r)
	a.live.Add(k, u)
	return a
}

// changes edits an object in the cluster.
func (a *app) changes(k object.Kind, namespace, name string, edit func(u *unstructured.Unstructured)) *app {
	key := object.Key{Group: k.Group, Kind: k.Kind, Namespace: namespace, Name: name}
	u := a.live.Object(key).(*unstructured.Unstructured).DeepCopy()
	u.SetResourceVersion("6")
	edit(u)
	a.live.Drop(key)
	a.live.Add(k, u)
	return a
}

func (a *app) gone(k object.Kind, namespace, name string) *app {
	a.live.Drop(object.Key{Group: k.Group, Kind: k.Kind, Namespace: namespace, Name: name})
	return a
}

func printed(s App) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s %s %d/%d %q", s.Name, s.Sync, s.Health, s.Objects.Healthy, s.Objects.Total, s.Message)
	for _, r := range s.Resources {
		fmt.Fprintf(&out, "\n  %s %s %s %q", r.Where, r.Sync, r.Health, r.Message)
	}
	for _, h := range s.Hooks {
		fmt.Fprintf(&out, "\n  hook %s %s %s", h.Phase, h.Object, h.Result)
	}
	return out.String()
}

func TestStatusOfAnApp(t *testing.T) {
	const ready = "spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: 'True'}]}"
	const data = "data: {a: b}"
	tests := []struct {
		name string
		make func(a *app)
		want string
	}{
		{"all as we left it", func(a *app) { a.has(configMaps, "shop", "a", data, nil).has(deployments, "shop", "web", ready, nil) }, `shop Synced Healthy 2/2 ""
  configmap/a Synced Healthy ""
  deployment.apps/web Synced Healthy ""`},
		{"two namespaces, a value of ours changed", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).has(configMaps, "other", "a", data, nil).changes(configMaps, "other", "a", func(u *unstructured.Unstructured) {
				_ = unstructured.SetNestedField(u.Object, "x", "data", "a")
			})
		}, `shop Drifted Healthy 2/2 ""
  configmap/a -n other Drifted Healthy ""
  configmap/a -n shop Synced Healthy ""`},
		{"somebody changed it, by name", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).changes(configMaps, "shop", "a", func(u *unstructured.Unstructured) {
				_ = unstructured.SetNestedField(u.Object, "x", "data", "a")
				entries, _, _ := unstructured.NestedSlice(u.Object, "metadata", "managedFields")
				entries = append(entries, map[string]any{"manager": "kubectl-edit", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "time": "2026-01-01T00:00:00Z",
					"fieldsV1": map[string]any{"f:data": map[string]any{"f:a": map[string]any{}}}})
				_ = unstructured.SetNestedSlice(u.Object, entries, "metadata", "managedFields")
			})
		}, `shop Drifted Healthy 1/1 "configmap/a: changed by kubectl-edit"
  configmap/a Drifted Healthy "changed by kubectl-edit"`},
		{"managedFields removed", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).changes(configMaps, "shop", "a", func(u *unstructured.Unstructured) { u.SetManagedFields(nil) })
		}, `shop Drifted Healthy 1/1 "configmap/a: its managedFields were removed"
  configmap/a Drifted Healthy "its managedFields were removed"`},
		{"deleted", func(a *app) { a.has(configMaps, "shop", "a", data, nil).gone(configMaps, "shop", "a") }, `shop Drifted Missing 0/1 "configmap/a: deleted, or its label applyset.kubernetes.io/part-of was removed"
  configmap/a Drifted Missing "deleted, or its label applyset.kubernetes.io/part-of was removed"`},
		{"deleted, and made again", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).changes(configMaps, "shop", "a", func(u *unstructured.Unstructured) { u.SetUID("2") })
		}, `shop Drifted Healthy 1/1 "configmap/a: deleted and recreated by somebody else"
  configmap/a Drifted Healthy "deleted and recreated by somebody else"`},
		{"made again by Flux", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).changes(configMaps, "shop", "a", func(u *unstructured.Unstructured) {
				u.SetUID("2")
				labels := u.GetLabels()
				labels["kustomize.toolkit.fluxcd.io/name"], labels["kustomize.toolkit.fluxcd.io/namespace"] = "apps", "flux-system"
				u.SetLabels(labels)
			})
		}, `shop Drifted Healthy 1/1 "configmap/a: deleted and recreated by the Flux Kustomization flux-system/apps"
  configmap/a Drifted Healthy "deleted and recreated by the Flux Kustomization flux-system/apps"`},
		{"Flux applies it too", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).changes(configMaps, "shop", "a", func(u *unstructured.Unstructured) {
				labels := u.GetLabels()
				labels["kustomize.toolkit.fluxcd.io/name"], labels["kustomize.toolkit.fluxcd.io/namespace"] = "apps", "flux-system"
				u.SetLabels(labels)
			})
		}, `shop Synced Healthy 1/1 "configmap/a: the Flux Kustomization flux-system/apps applies it too"
  configmap/a Synced Healthy "the Flux Kustomization flux-system/apps applies it too"`},
		{"not healthy", func(a *app) {
			a.has(deployments, "shop", "web", "spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: it takes too long}]}", nil)
		}, `shop Synced Degraded 0/1 "deployment.apps/web: Progress deadline exceeded"
  deployment.apps/web Synced Degraded "Progress deadline exceeded"`},
		{"not applied yet", func(a *app) {
			a.has(configMaps, "shop", "a", data, func(r *record.Row) { r.Manifest, r.UID = "", "" }).gone(configMaps, "shop", "a")
			a.rec.Pending = true
		}, `shop Pending Missing 0/1 "configmap/a: not in the cluster"
  configmap/a Pending Missing "not in the cluster"`},
		{"its kind is gone", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).gone(configMaps, "shop", "a").live.SetAbsent(configMaps)
		}, `shop Drifted Missing 0/1 "configmap/a: the cluster does not serve its kind any more"
  configmap/a Drifted Missing "the cluster does not serve its kind any more"`},
		{"a Job that has run", func(a *app) {
			a.has(configMaps, "shop", "a", data, func(r *record.Row) { r.Expires = true }).gone(configMaps, "shop", "a")
		}, `shop Synced Healthy 1/1 ""
  configmap/a Synced Healthy "has run, and was removed by its time to live"`},
		{"a kind that may not be read", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).in.Unread = map[object.Kind]error{configMaps: errors.New("configmaps: forbidden")}
		}, `shop Unknown Unknown 0/1 "configmaps: forbidden"
  configmap/a Unknown Unknown "configmaps: forbidden"`},
		{"hooks", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).rec.Runs = []record.HookRun{{Phase: "PreSync", Ref: object.Ref{Kind: configMaps, Namespace: "shop", Name: "h"}, Result: report.ResultSucceeded}}
			a.rec.Due = record.HooksUpgrade
		}, `shop Pending Healthy 1/1 "hooks of a newer commit have not all run"
  configmap/a Synced Healthy ""
  hook PreSync v1/ConfigMap/shop/h Succeeded`},
		{"suspended", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).rec.Suspended = &report.Suspension{Reason: "a freeze", By: "jo"}
		}, `shop Suspended Healthy 1/1 "suspended by jo: a freeze"
  configmap/a Synced Healthy ""`},
		{"no longer suspended", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).rec.Suspended = &report.Suspension{Until: noon.Add(-time.Minute)}
		}, `shop Synced Healthy 1/1 ""
  configmap/a Synced Healthy ""`},
		{"the inventory is lost", func(a *app) { a.in.Record = &record.Record{} }, `shop Unknown Unknown 0/0 "the inventory is lost; the next run with --repo rebuilds it"`},
		{"something beside what Git says", func(a *app) {
			a.has(configMaps, "shop", "a", data, nil).changes(configMaps, "shop", "a", func(u *unstructured.Unstructured) {
				_ = unstructured.SetNestedField(u.Object, "x", "data", "b")
				entries, _, _ := unstructured.NestedSlice(u.Object, "metadata", "managedFields")
				entries = append(entries, map[string]any{"manager": "kubectl-edit", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "time": "2026-01-01T00:00:00Z",
					"fieldsV1": map[string]any{"f:data": map[string]any{"f:b": map[string]any{}}}})
				_ = unstructured.SetNestedSlice(u.Object, entries, "metadata", "managedFields")
			})
		}, `shop Synced Healthy 1/1 ""
  configmap/a Synced Healthy "not in Git: data.b, set by kubectl-edit"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newApp(t)
			test.make(a)
			a.in.Live, a.in.PerObject = a.live, true
			if got := printed(Of(a.in)); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// A reader without the right to read the record sees what the last run said, and how the objects are.
func TestReducedStatus(t *testing.T) {
	a := newApp(t).has(configMaps, "shop", "a", "data: {a: b}", nil).has(deployments, "shop", "web",
		"spec: {replicas: 1}, status: {observedGeneration: 1, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: it takes too long}]}", nil)
	a.in.Live, a.in.PerObject, a.in.Record = a.live, true, nil
	rows := a.rec.Sorted()
	a.in.Summary.Objects.Total = 3
	if got, want := printed(Reduced(a.in, rows, nil)), `shop Synced Degraded 1/3 "deployment.apps/web: Progress deadline exceeded"
  configmap/a Unknown Healthy ""
  deployment.apps/web Unknown Degraded "Progress deadline exceeded"`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	a.in.Summary.Seen, a.in.Summary.Health = "2222222", health.Progressing
	if got, want := printed(Reduced(a.in, nil, []error{errors.New("forbidden")})), `shop Pending Progressing 0/3 "1 kind you may not list"`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	a.in.Summary.Message = "as it was"
	if got, want := printed(Reduced(a.in, nil, nil)), `shop Pending Progressing 0/3 "as it was"`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestListsCompleteTheStatus(t *testing.T) {
	source := report.Source{Repo: "https://example.com/config", Path: "."}
	rec := func(app, commit string) *record.Record {
		r := record.New(app)
		r.List, r.Source, r.Revision = ".", source, report.Revision{Commit: commit, Ref: "main"}
		return r
	}
	records := map[string]*record.Record{"same": rec("same", "1111111"), "behind": rec("behind", "1111111"), "failed": rec("failed", "1111111"), "left": rec("left", "1111111"),
		"after": rec("after", "3333333"), "elsewhere": rec("elsewhere", "9999999")}
	records["elsewhere"].Source.Repo = "https://example.com/other"
	records["after"].Under = "7"
	list := &record.AppList{Source: source, Revision: report.Revision{Commit: "2222222", Ref: "main"}, Apps: []string{"same", "behind", "failed", "new", "after", "elsewhere"},
		Behind: []record.Behind{{App: "behind", At: "1111111", Message: "waits for db"}, {App: "failed", At: "0000000", Failed: true, Message: "no such file"}, {App: "left", Message: "is removed"}},
		Stored: record.StoredList{Version: "7"}}
	show := func(name, problem string) string {
		var all List
		for _, n := range []string{"same", "behind", "failed", "left", "after", "elsewhere"} {
			if name == "" || name == n {
				all.Items = append(all.Items, App{Name: n, Sync: report.Synced, Health: health.Healthy, Revision: records[n].Revision})
			}
		}
		list.Problem = problem
		all.AddLists([]*record.AppList{list}, records, name)
		var out strings.Builder
		for _, s := range all.Items {
			fmt.Fprintf(&out, "%s %s %s %q\n", s.Name, s.Revision.Short(), s.Sync, s.Message)
		}
		return out.String()
	}
	if got, want := show("", ""), `same main@2222222 Synced ""
behind main@1111111 Pending "waits for db"
failed main@0000000 Failed "no such file"
left main@1111111 Pending "is removed"
after main@3333333 Synced ""
elsewhere main@9999999 Synced ""
new  Pending "not applied yet"
`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := show("same", "gitops.yaml:3: no"), "same main@2222222 Pending \"gitops.yaml:3: no\"\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
