package record

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
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

const annotationWriter = "kubectl-gitops.dev/writer" // on a Secret of the record: a random name of the process that has written it last

// Labels and names of the objects that hold the record.
const (
	Manager    = "gitops"                             // field manager of everything we write; Flux takes those that begin with kubectl off what it applies
	Tool       = "kubectl-gitops"                     // names us in labels and Events
	labelApp   = "kubectl-gitops.dev/app"             // on what holds an app's record: the name of the app
	labelShard = "kubectl-gitops.dev/inventory-shard" // on a Secret of the record: which part of the inventory it holds
	namePrefix = "gitops-"
)

var (
	namespaces = cluster.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}
	configMaps = cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	secrets    = cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
)

// ErrBusy says that another reconciler saved the record since it was loaded.
var ErrBusy = hint.Errorf("another reconciler is at work on this app", "run again when it is done: the next pass sees what it did")

// Record is what one app's last apply left behind, as loaded.
type Record struct {
	*Inventory
	Report  *report.Summary // nil before the parent was loaded, or when there is none
	History []report.Run

	// GroupKinds (Kind.group) and Namespaces are where the parent says that objects of the app are. Parents fills them.
	GroupKinds, Namespaces []string

	// Rebuilt says that the inventory was lost and that its rows were put together from labels: nothing may be
	// pruned until everything was applied once more.
	Rebuilt bool

	// Suspended, when it is not nil, may say that the app is to be left alone.
	Suspended *report.Suspension

	versions map[int]string // resourceVersion of each shard as loaded
	renamed  map[int]any    // managedFields of the shards that hold an earlier name of our manager, with today's
	written  map[int]shard  // as loaded or saved: equal shards are not written again
	parent   bool           // the parent was loaded
	shares   any            // managedFields of the parent, where they hold an earlier name of our manager, with today's
	version  string         // resourceVersion of the parent as loaded or saved, empty when there was none
}

// Store loads and saves the records of one instance.
type Store struct {
	Cluster   *cluster.Client
	Namespace string
	Tool      string // name/version, the ApplySet tooling annotation
	Writer    bool   // the records will be written, so hints name the rights for that

	peeked       map[string]*Record // answers the next Load
	lists        []*AppList         // found by the last Load
	hasNamespace bool               // of the instance, as far as is known
	mounts       mounts
	once         sync.Once
	self         string // see writer
}

// ParentName is the name of an app's ApplySet parent, a ConfigMap.
func ParentName(app string) string { return namePrefix + app }

// ID is the ApplySet ID of an app.
func (s *Store) ID(app string) string {
	return ApplySetID(ParentName(app), s.Namespace, "ConfigMap", "")
}

// Load reads the records of all apps of the instance in one request; the parents stay unread (see LoadParent).
func (s *Store) Load(ctx context.Context) (map[string]*Record, error) {
	if kept := s.peeked; kept != nil {
		s.peeked = nil
		return kept, nil
	}
	items, _, err := s.Cluster.List(ctx, secrets, s.Namespace, labelApp)
	if err != nil {
		return nil, s.unread("secrets", err)
	}
	records := map[string]*Record{}
	shards := map[string]map[int]shard{}
	s.lists = nil
	for i := range items {
		u := &items[i]
		if u.GetLabels()[labelList] != "" {
			if l := readList(u); l != nil {
				s.lists = append(s.lists, l)
			}
			continue
		}
		app := u.GetLabels()[labelApp]
		n, err := strconv.Atoi(u.GetLabels()[labelShard])
		if err != nil || n < 0 || n >= maxShards || u.GetName() != shardName(app, n) {
			continue // labelled by somebody else
		}
		if records[app] == nil {
			records[app] = &Record{versions: map[int]string{}, written: map[int]shard{}, renamed: map[int]any{}}
			shards[app] = map[int]shard{}
		}
		sh := shard{header: secretValue(u, "header"), rows: secretValue(u, "rows"), seal: string(secretValue(u, "seal"))}
		records[app].versions[n] = u.GetResourceVersion()
		if entries := renamed(u); entries != nil {
			records[app].renamed[n] = entries
		}
		if n == 0 {
			records[app].Suspended = readSuspension(u.GetAnnotations())
		}
		records[app].written[n], shards[app][n] = sh, sh
	}
	for app, r := range records {
		if r.Inventory, err = decodeInventory(shards[app]); err != nil || r.App != app {
			r.Inventory = nil // told from an absent one by its versions; LoadParent starts the rebuild
		}
	}
	return records, nil
}

// Peek is Load for a caller that only wants to know what there is: the next Load gives the same answer again without
// a request.
func (s *Store) Peek(ctx context.Context) (map[string]*Record, error) {
	records, err := s.Load(ctx)
	if err == nil {
		s.peeked = records
	}
	return records, err
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

// New returns the record of an app that has none yet.
func (s *Store) New(app string) *Record {
	return &Record{Inventory: NewInventory(app), versions: map[int]string{}, written: map[int]shard{}, renamed: map[int]any{}}
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
		return namePrefix + app + "-inventory"
	}
	return fmt.Sprintf("%s%s-inventory-%d", namePrefix, app, n)
}

// Save writes the inventory and the parent with report and history. It creates the namespace of the instance when that
// is missing. ErrBusy means that another writer was faster, and that its inventory was not overwritten.
//
// A process may die between any two of the requests. Rows that are written ahead come before the parent, but an
// inventory that says that all is done comes after it: nobody would write the parent any more.
// saveShards writes the shards that differ, from the last to the first: when their count doubles, a row is in its new
// shard before it leaves the old one, whatever request is the last.
// writer is a name that no other process has: two that start from the same record and the same commit write the same data.
// ownWrite settles a conflict: it is our own write when its answer was lost and the request was repeated, and the data
// are there as we sent them, under our name where that is written. Anything else is ErrBusy.
// firstWrite runs a write that may be the first in the namespace of the instance, after creating that where it is missing.
// It is looked for beforehand, once: the server takes 50 ms to refuse a write without it.
// LoadParent reads the parent of r: its report and history. A parent without a readable inventory means that the
// inventory was lost: r gets an empty one and is marked Rebuilt, and the group-kinds to look for are returned.
func (s *Store) LoadParent(ctx context.Context, r *Record, app string) (groupKinds []string, err error) {
	u, err := s.Cluster.Get(ctx, cluster.Ref{Kind: configMaps, Namespace: s.Namespace, Name: ParentName(app)})
	lost := r.Inventory == nil
	if lost {
		r.Inventory = NewInventory(app)
		r.Rebuilt = true
		for n := range r.versions { // all old shards are written anew, none may linger with rows of its own
			for r.Shards <= n {
				r.Shards *= 2
			}
		}
	}
	r.parent = true
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record of %s: %w", app, err)
	}
	if err := s.checkParent(u, app); err != nil {
		return nil, err
	}
	r.readParent(u)
	r.version, r.shares = u.GetResourceVersion(), renamed(u)
	if len(r.versions) == 0 {
		r.Rebuilt = true
	}
	if r.Rebuilt {
		groupKinds = splitList(u.GetAnnotations()[annotationGroupKinds])
	}
	return groupKinds, nil
}

func (r *Record) readParent(u *unstructured.Unstructured) {
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
func (s *Store) Parents(ctx context.Context) (map[string]*Record, error) {
	items, _, err := s.Cluster.List(ctx, configMaps, s.Namespace, LabelID)
	if err != nil {
		return nil, s.unread("configmaps", err)
	}
	out := map[string]*Record{}
	for i := range items {
		app, ok := strings.CutPrefix(items[i].GetName(), namePrefix)
		if !ok || s.checkParent(&items[i], app) != nil {
			continue
		}
		r := &Record{}
		if r.readParent(&items[i]); r.Report != nil {
			r.GroupKinds = splitList(items[i].GetAnnotations()[annotationGroupKinds])
			r.Namespaces = splitList(items[i].GetAnnotations()[annotationNamespaces])
			out[app] = r
		}
	}
	return out, nil
}

// Instances returns the namespaces that hold records of apps, in alphabetical order, by one list of metadata.
func (s *Store) Instances(ctx context.Context) ([]string, error) {
	items, _, err := s.Cluster.ListMetadata(ctx, configMaps, "", LabelID, cluster.Read{Many: true})
	if err != nil {
		return nil, s.unread("configmaps", err)
	}
	found := map[string]bool{}
	for _, item := range items {
		if app, ok := strings.CutPrefix(item.Name, namePrefix); ok && item.Labels[LabelID] == ApplySetID(ParentName(app), item.Namespace, "ConfigMap", "") {
			found[item.Namespace] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// Restore adds a row for a live object that carries our label and our field manager's entry, when the inventory was
// lost. The row counts as never applied.
func (r *Record) Restore(ref cluster.Ref, uid types.UID) {
	r.Rows[KeyOf(ref)] = Row{Ref: ref, UID: uid, Adopted: true}
}

func splitList(s string) []string {
	return slices.DeleteFunc(strings.Split(s, ","), func(e string) bool { return strings.TrimSpace(e) == "" })
}

// Unchanged returns nil when nobody else has saved the record since it was loaded or saved, ErrBusy when somebody has.
// HasParent tells whether report and history were loaded, or found missing.
func (r *Record) HasParent() bool { return r.parent }

// Unsaved tells whether the inventory differs from what was loaded or saved last.
