// Package events tells on the record of an app, as Kubernetes Events, what runs did: `kubectl describe configmap
// gitops-<app>` and every tool that shows Events then show it. An app that failed before it had a record is told on the
// CronJob of the instance.
//
// What it does NOT do: it decides nothing and fails nothing; an Event that cannot be written is dropped.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

var (
	kind       = cluster.Kind{Version: "v1", Kind: "Event", Resource: "events", Namespaced: true}
	configMaps = cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	cronJobs   = cluster.Kind{Group: "batch", Version: "v1", Kind: "CronJob", Resource: "cronjobs", Namespaced: true}
)

// The reasons of our Events.
const (
	ReasonApplied  = "Applied"  // a commit, or changed settings
	ReasonReverted = "Reverted" // drift
	ReasonDrifted  = "Drifted"  // drift that is left as it is
	ReasonFailed   = "Failed"
)

const (
	patience   = 5 * time.Second // for all requests of one Event
	quiet      = time.Minute     // in which the same is not told again
	maxMessage = 1000            // the server takes 1024 bytes
)

// Recorder writes Events of one instance. It may be used by several goroutines.
type Recorder struct {
	Cluster   *cluster.Client
	Namespace string
	CronJob   string // of the instance
	Now       func() time.Time
	Dropped   func(error) // is told the first time that an Event cannot be written; may be nil

	mu   sync.Mutex
	told map[string]time.Time
	once sync.Once
}

// Tell writes an Event about a run that is in the history: one that changed something, failed in a new way or ended a
// failure. Other runs are not news, but for a failure of an app that has no history yet.
func (r *Recorder) Tell(ctx context.Context, run report.App) {
	if !run.News && !run.Unrecorded || run.DryRun {
		return
	}
	reason, message := words(run)
	on := cluster.Ref{Kind: configMaps, Namespace: r.Namespace, Name: record.ParentName(run.Name)}
	if run.Unrecorded {
		on, message = cluster.Ref{Kind: cronJobs, Namespace: r.Namespace, Name: r.CronJob}, run.Name+": "+message
	}
	if !r.due(run.Name + reason + message) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := r.write(ctx, on, reason, message)
	if run.Unrecorded && apierrors.IsNotFound(err) {
		return // somebody tries it out, and reads what it prints
	}
	if err != nil && r.Dropped != nil {
		r.once.Do(func() { r.Dropped(fmt.Errorf("event: %w", err)) })
	}
}

// due tells whether something was not told within the last minute.
func (r *Recorder) due(what string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.told[what]; ok && r.Now().Sub(last) < quiet {
		return false
	}
	if r.told == nil {
		r.told = map[string]time.Time{}
	}
	r.told[what] = r.Now()
	return true
}

// words says what a run did. Its message and changes are masked already.
func words(run report.App) (reason, message string) {
	at := run.Revision.Short()
	switch {
	case run.Result == report.ResultFailed:
		reason, message = ReasonFailed, at+": "+run.Message
	case run.Result == report.ResultReverted:
		reason, message = ReasonReverted, "drift at "+at+": "+changes(run.Changes)
	case run.Counts.Drifted > 0 && run.Counts.Changed() == 0:
		reason, message = ReasonDrifted, "drift at "+at+", not reverted: "+changes(run.Changes)
	default:
		reason, message = ReasonApplied, at+": "+changes(run.Changes)
	}
	message = strings.TrimSuffix(strings.TrimPrefix(message, ": "), ": ")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	return reason, message
}

func changes(list []report.Change) string {
	const most = 8
	var parts []string
	for _, c := range list[:min(len(list), most)] {
		text := c.Short + " " + string(c.Action)
		if len(c.Fields) > 0 {
			text += " " + c.Fields[0].Path
			if by := c.Fields[0].By; by != nil {
				text += ", set by " + by.Manager
			}
		}
		parts = append(parts, text)
	}
	if more := len(list) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// write creates the Event, or counts one more of the same.
func (r *Recorder) write(ctx context.Context, on cluster.Ref, reason, message string) error {
	sum := fnv.New64a()
	fmt.Fprint(sum, reason, "\x00", message)
	ref := cluster.Ref{Kind: kind, Namespace: r.Namespace, Name: fmt.Sprintf("%s.%x", on.Name, sum.Sum64())}
	about, err := r.Cluster.Get(ctx, on)
	if err != nil {
		return err
	}
	now := r.Now().UTC().Format(time.RFC3339)
	level := "Normal"
	if reason == ReasonFailed {
		level = "Warning"
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Event", "metadata": map[string]any{"name": ref.Name, "namespace": ref.Namespace},
		"involvedObject": map[string]any{"apiVersion": about.GetAPIVersion(), "kind": about.GetKind(), "namespace": r.Namespace,
			"name": about.GetName(), "uid": about.GetUID()},
		"reason": reason, "message": message, "type": level, "count": 1,
		"firstTimestamp": now, "lastTimestamp": now, "source": map[string]any{"component": record.Tool},
		"reportingComponent": record.Tool,
	})
	if err != nil {
		return err
	}
	if _, err = r.Cluster.Create(ctx, ref, body, record.Manager); !apierrors.IsAlreadyExists(err) {
		return err
	}
	return r.again(ctx, ref, now)
}

// again counts one more of an Event that exists. A lost race costs one count.
func (r *Recorder) again(ctx context.Context, ref cluster.Ref, now string) error {
	live, err := r.Cluster.Get(ctx, ref)
	if err != nil {
		return err
	}
	count, _, _ := unstructured.NestedInt64(live.Object, "count")
	patch, err := json.Marshal([]map[string]any{
		{"op": "add", "path": "/count", "value": count + 1},
		{"op": "add", "path": "/lastTimestamp", "value": now}})
	if err != nil {
		return err
	}
	_, err = r.Cluster.PatchJSON(ctx, ref, patch, record.Manager)
	return err
}
