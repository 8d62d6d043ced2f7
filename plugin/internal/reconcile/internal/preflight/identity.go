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

// Identity remembers which cluster this is. The zero value is ready to use.
type Identity struct {
	uid atomic.Value // of the namespace kube-system, "" when it may not be read
}

// Check compares the cluster's identity, the uid of its namespace kube-system, with the recorded one, and records
// it first. It costs a request only when the record has none, or when suspicious is true, because record and cluster differ in a way that this would explain. Who may not read the
// namespace goes without.
func (i *Identity) Check(ctx context.Context, client *cluster.Client, rec *record.Record, instance string, suspicious bool) error {
	if rec.Cluster != "" && !suspicious {
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
