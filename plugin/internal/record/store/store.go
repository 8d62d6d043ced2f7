package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

var (
	namespaces = cluster.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}
	configMaps = cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	secrets    = cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
)

// ErrBusy says that another reconciler saved the record since it was loaded.
var ErrBusy = hint.Errorf("another reconciler is at work on this app", "run again when it is done: the next run sees what it did")

// Store loads and saves the records of one instance.
type Store struct {
	Cluster   *cluster.Client
	Namespace string
	Tool      string // name/version, the ApplySet tooling annotation
	Writer    bool   // the records will be written, so hints name the rights for that

	hasNamespace bool // of the instance, as far as is known
	mounts       mounts
	once         sync.Once
	self         string // see writer
}

// Instance is the namespace of the instance.
func (s *Store) Instance() string { return s.Namespace }

// ID is the ApplySet ID of an app.
func (s *Store) ID(app string) string {
	return record.ApplySetID(record.ParentName(app), s.Namespace, "ConfigMap", "")
}

// Load reads the records of all apps of the instance, and its lists of apps, in one request. The parents stay unread (see
// LoadParent).
func (s *Store) Load(ctx context.Context) (*record.Loaded, error) {
	items, _, err := s.Cluster.List(ctx, secrets, s.Namespace, record.LabelApp)
	if err != nil {
		return nil, s.unread("secrets", err)
	}
	loaded := &record.Loaded{Apps: map[string]*record.Record{}}
	records, shards := loaded.Apps, map[string]map[int]record.Shard{}
	for i := range items {
		u := &items[i]
		if u.GetLabels()[record.LabelList] != "" {
			if l := readList(u); l != nil {
				loaded.Lists = append(loaded.Lists, l)
			}
			continue
		}
		app := u.GetLabels()[record.LabelApp]
		n, err := strconv.Atoi(u.GetLabels()[record.LabelShard])
		if err != nil || n < 0 || n >= record.MaxShards || u.GetName() != shardName(app, n) {
			continue // labelled by somebody else
		}
		if records[app] == nil {
			records[app] = &record.Record{Stored: record.NewStored()}
			shards[app] = map[int]record.Shard{}
		}
		sh := record.Shard{Header: secretValue(u, "header"), Rows: secretValue(u, "rows"), Seal: string(secretValue(u, "seal"))}
		records[app].Stored.Versions[n] = u.GetResourceVersion()
		if entries := renamed(u); entries != nil {
			records[app].Stored.Renamed[n] = entries
		}
		if n == 0 {
			records[app].Suspended = record.ReadSuspension(u.GetAnnotations())
		}
		records[app].Stored.Written[n], shards[app][n] = sh, sh
	}
	for app, r := range records {
		r.Stored.Lists = loaded.Lists
		if r.Inventory, err = record.Decode(shards[app]); err != nil || r.App != app {
			r.Inventory = nil // told from an absent one by its versions; LoadParent starts the rebuild
		}
	}
	return loaded, nil
}

// unread says what a reader needs who may not list what, and what a writer needs.
func (s *Store) unread(what string, err error) error {
	if s.Writer || !apierrors.IsForbidden(err) {
		return s.refused(err)
	}
	return hint.With(s.refused(err), "this needs the right to list %s there; -n selects another instance", what)
}

// refused says what a user needs who may not write the records.
func (s *Store) refused(err error) error {
	refused := fmt.Errorf("records in namespace %s: %w", s.Namespace, err)
	if apierrors.IsForbidden(err) && s.Writer {
		return hint.With(refused, "grant get, list, create, update and patch on configmaps and secrets there to this user; -n selects another instance")
	}
	return refused
}

// renamed returns the managedFields of u with today's name for our manager, nil when they hold no earlier one. An update
// that sends them renames the entry.
func renamed(u *unstructured.Unstructured) any {
	entries, err := fields.Renamed(u)
	if err != nil || entries == nil {
		return nil
	}
	return entries
}

func secretValue(u *unstructured.Unstructured, key string) []byte {
	text, _, _ := unstructured.NestedString(u.Object, "data", key)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return raw
}

func shardName(app string, n int) string {
	if n == 0 {
		return record.NamePrefix + app + "-inventory"
	}
	return fmt.Sprintf("%s%s-inventory-%d", record.NamePrefix, app, n)
}

// LoadParent reads the parent of r: its report and history. A parent without a readable inventory means that the
// inventory was lost: r gets an empty one and is marked Rebuilt, and the group-kinds to look for are returned.
func (s *Store) LoadParent(ctx context.Context, r *record.Record, app string) (groupKinds []string, err error) {
	u, err := s.Cluster.Get(ctx, cluster.Ref{Kind: configMaps, Namespace: s.Namespace, Name: record.ParentName(app)})
	lost := r.Inventory == nil
	if lost {
		r.Inventory = record.NewInventory(app)
		r.Rebuilt = true
		for n := range r.Stored.Versions { // all old shards are written anew, none may linger with rows of its own
			for r.Shards <= n {
				r.Shards *= 2
			}
		}
	}
	r.Stored.Parent = true
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record of %s: %w", app, err)
	}
	if err := s.checkParent(u, app); err != nil {
		return nil, err
	}
	readParent(r, u)
	r.Stored.Version, r.Stored.Shares = u.GetResourceVersion(), renamed(u)
	if len(r.Stored.Versions) == 0 {
		r.Rebuilt = true
	}
	if r.Rebuilt {
		groupKinds = splitList(u.GetAnnotations()[record.AnnotationGroupKinds])
	}
	return groupKinds, nil
}

func readParent(r *record.Record, u *unstructured.Unstructured) {
	data, _, _ := unstructured.NestedStringMap(u.Object, "data")
	var summary report.Summary
	if json.Unmarshal([]byte(data["report"]), &summary) == nil && summary.Name != "" {
		r.Report = &summary
	}
	var history []report.Run
	if json.Unmarshal([]byte(data["history"]), &history) == nil {
		r.History = history[:min(len(history), report.MaxHistory)]
	}
}

// Parents reads the reports and histories of all apps of the instance in one request, for status and history.
func (s *Store) Parents(ctx context.Context) (map[string]*record.Record, error) {
	items, _, err := s.Cluster.List(ctx, configMaps, s.Namespace, record.LabelID)
	if err != nil {
		return nil, s.unread("configmaps", err)
	}
	out := map[string]*record.Record{}
	for i := range items {
		app, ok := strings.CutPrefix(items[i].GetName(), record.NamePrefix)
		if !ok || s.checkParent(&items[i], app) != nil {
			continue
		}
		r := &record.Record{}
		if readParent(r, &items[i]); r.Report != nil {
			r.GroupKinds = splitList(items[i].GetAnnotations()[record.AnnotationGroupKinds])
			r.Namespaces = splitList(items[i].GetAnnotations()[record.AnnotationNamespaces])
			out[app] = r
		}
	}
	return out, nil
}

// Instances returns the namespaces that hold records of apps, in alphabetical order, by one list of metadata.
func (s *Store) Instances(ctx context.Context) ([]string, error) {
	items, _, err := s.Cluster.ListMetadata(ctx, configMaps, "", record.LabelID, cluster.Read{Many: true})
	if err != nil {
		return nil, s.unread("configmaps", err)
	}
	found := map[string]bool{}
	for _, item := range items {
		if app, ok := strings.CutPrefix(item.Name, record.NamePrefix); ok && item.Labels[record.LabelID] == record.ApplySetID(record.ParentName(app), item.Namespace, "ConfigMap", "") {
			found[item.Namespace] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func splitList(s string) []string {
	return slices.DeleteFunc(strings.Split(s, ","), func(e string) bool { return strings.TrimSpace(e) == "" })
}

// mounts is what Mounted found.
type mounts struct {
	mu    sync.Mutex
	asked bool
	names []string
}

// readList reads a Secret that saveList wrote; an unreadable one counts as missing.
func readList(u *unstructured.Unstructured) *record.AppList {
	raw := secretValue(u, "list")
	l := &record.AppList{Stored: record.StoredList{Version: u.GetResourceVersion(), Written: string(raw), Renamed: renamed(u)}}
	if json.Unmarshal(raw, l) != nil || u.GetName() != record.ListName(l.Source) {
		return nil
	}
	return l
}
