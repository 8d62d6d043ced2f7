package record

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
)

const (
	labelList = "kubectl-gitops.dev/app-list" // on the Secret that says what a gitops.yaml listed
	listType  = "kubectl-gitops.dev/app-list"
)

// AppList is what the gitops.yaml of a source said at the commit that was looked at last, and which of its apps are not
// at that commit. An app that it names and that is not Behind equals Revision, whatever commit its own record names:
// that is the last one which changed the app. The settings of the apps are in their own records.
type AppList struct {
	Source   Source   `json:"source"` // Path is the directory of gitops.yaml
	Revision Revision `json:"revision"`
	Apps     []string `json:"apps"` // in the order of the file
	Behind   []Behind `json:"behind,omitempty"`
	Problem  string   `json:"problem,omitempty"` // why gitops.yaml itself could not be used; then Apps are the last known ones
	Held     string   `json:"held,omitempty"`    // why a newer commit is held back
	Tool     string   `json:"tool"`
	Unproven bool     `json:"unproven,omitempty"` // no run with Source has succeeded yet

	version, written string // resourceVersion and content as loaded or saved
	renamed          any    // managedFields with today's name of our manager, where they hold an earlier one
}

// Behind is an app whose objects are not all of the list's commit, or one that left the file and still has objects.
type Behind struct {
	App     string `json:"app"`
	At      string `json:"at,omitempty"` // the commit that its objects equalled last, "" when there is none
	Failed  bool   `json:"failed,omitempty"`
	Message string `json:"message,omitempty"`

	// Of an app whose render failed: when and for which settings, how often so far, when it is tried again, and the hint.
	Rendered *time.Time `json:"rendered,omitempty"`
	Config   string     `json:"config,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	Tries    int        `json:"tries,omitempty"`
	Hint     string     `json:"hint,omitempty"`

	Slow *time.Time `json:"slow,omitempty"` // since when it waits for a render that takes longer than others wait for
}

// Names tells whether the list names app.
func (l *AppList) Names(app string) bool {
	for _, name := range l.Apps {
		if name == app {
			return true
		}
	}
	return false
}

// IsBehind returns what is known of an app that is not at the list's commit.
func (l *AppList) IsBehind(app string) (Behind, bool) {
	for _, b := range l.Behind {
		if b.App == app {
			return b, true
		}
	}
	return Behind{}, false
}

// AppLists are the lists that the last Load found, in no order.
func (s *Store) AppLists() []*AppList { return s.lists }

// ListOf returns the list of a repository and directory that the last Load found, nil when there is none. The ref does
// not matter: a list of another ref names another commit.
func (s *Store) ListOf(from Source) *AppList {
	for _, l := range s.lists {
		if l.Source.Repo == from.Repo && l.Source.Path == from.Path {
			return l
		}
	}
	return nil
}

// After tells whether the record was saved on top of this very state of the list: the run that saved it did not get as far
// as saving the list. Then the record alone knows what the app is at.
func (r *Record) After(l *AppList) bool { return r.Under != "" && r.Under == l.version }

func listName(from Source) string {
	sum := sha256.Sum256([]byte(from.Repo + "\n" + from.Path))
	return namePrefix + "list-" + hex.EncodeToString(sum[:5])
}

// readList reads a Secret that saveList wrote; an unreadable one counts as missing.
func readList(u *unstructured.Unstructured) *AppList {
	raw := secretValue(u, "list")
	l := &AppList{version: u.GetResourceVersion(), written: string(raw), renamed: renamed(u)}
	if json.Unmarshal(raw, l) != nil || u.GetName() != listName(l.Source) {
		return nil
	}
	return l
}

// SaveList writes l when it differs from what was loaded. It is a compare-and-set like the saving of a record.
func (s *Store) SaveList(ctx context.Context, l *AppList) error {
	raw, err := json.Marshal(l)
	if err != nil || string(raw) == l.written {
		return err
	}
	ref := cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: listName(l.Source)}
	meta := map[string]any{"name": ref.Name, "namespace": ref.Namespace,
		"labels": map[string]string{labelApp: "", labelList: "true", "app.kubernetes.io/managed-by": Tool}}
	if l.version != "" {
		meta["resourceVersion"] = l.version
		if l.renamed != nil {
			meta["managedFields"] = l.renamed
		}
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret", "type": listType, "metadata": meta,
		"data": map[string]string{"list": base64.StdEncoding.EncodeToString(raw)}})
	if err != nil {
		return err
	}
	var saved *unstructured.Unstructured
	if l.version != "" {
		saved, err = s.Cluster.Update(ctx, ref, body, Manager)
	} else {
		saved, err = s.firstWrite(ctx, func() (*unstructured.Unstructured, error) {
			return s.Cluster.Create(ctx, ref, body, Manager)
		})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || (l.version != "" && apierrors.IsNotFound(err)) {
		saved, err = s.ownWrite(ctx, ref, body)
	}
	if err != nil {
		return fmt.Errorf("list of apps: %w", err)
	}
	l.version, l.written, l.renamed = saved.GetResourceVersion(), string(raw), nil
	return nil
}

// Delete removes the record of an app that has no objects any more: the parent, then the inventory from its last shard
// to its first. Whatever request is the last before an accident, what is left reads as a record without rows.
func (s *Store) Delete(ctx context.Context, r *Record) error {
	if len(r.Rows) > 0 {
		return fmt.Errorf("record of %s: it still has %d objects", r.App, len(r.Rows))
	}
	refs := []cluster.Ref{{Kind: configMaps, Namespace: s.Namespace, Name: ParentName(r.App)}}
	if r.Shards > 1 { // emptied already
		r.Shards = 1
		if err := s.saveShards(ctx, r, []shard{r.empty()}); err != nil {
			return err
		}
	}
	last := 0
	for n := range r.versions {
		last = max(last, n)
	}
	for n := last; n >= 0; n-- {
		refs = append(refs, cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: shardName(r.App, n)})
	}
	for _, ref := range refs {
		live, err := s.Cluster.Get(ctx, ref)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err == nil {
			_, err = s.Cluster.Delete(ctx, ref, live.GetUID(), false)
		}
		if err != nil {
			return fmt.Errorf("record of %s: %w", r.App, err)
		}
	}
	return nil
}

// empty is the only shard of an inventory without rows.
func (r *Record) empty() shard {
	header, err := json.Marshal(r.Header)
	if err != nil {
		header = nil
	}
	rows := encodeRows(nil)
	return shard{header: header, rows: rows, seal: r.Hash(rows)}
}
