package preflight

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Identity remembers which cluster the process talks to. The zero value is ready to use, by several goroutines.
type Identity struct {
	uid atomic.Value // of the namespace kube-system, "" when it may not be read
}

// Check compares the identity of the cluster, which is the uid of the namespace kube-system, with the recorded one. It fails
// when they differ, and adds the uid to rec when rec has none. The caller saves rec. Check sends a request only when rec has
// no uid, or when maybeOtherCluster is true because record and cluster differ in a way that another cluster would explain. A
// user without the right to read the namespace passes the check. instance is the namespace of the records, for the hint.
func (i *Identity) Check(ctx context.Context, client *cluster.Client, rec *record.Record, instance string, maybeOtherCluster bool) error {
	if rec.Cluster != "" && !maybeOtherCluster {
		return nil
	}
	uid, known := i.uid.Load().(string)
	if !known {
		ns, err := client.Get(ctx, cluster.Ref{Kind: cluster.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}, Name: "kube-system"})
		if err == nil {
			uid = string(ns.GetUID())
		}
		if ctx.Err() != nil {
			return wait.ErrInterrupted
		}
		i.uid.Store(uid)
	}
	switch {
	case uid == "" || rec.Cluster == uid:
	case rec.Cluster == "":
		rec.NoteCluster(uid)
	default:
		return hint.Errorf(fmt.Sprintf("the record of %s was made in another cluster (kube-system is %s there, and %s here)", rec.App, rec.Cluster, uid),
			"nothing was written; if the record was restored or copied here, delete its Secrets (kubectl delete secret -n %s -l kubectl-gitops.dev/app=%s): the next run rebuilds it from labels, and prunes nothing",
			instance, rec.App)
	}
	return nil
}
