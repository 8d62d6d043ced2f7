package reconcile

import (
	"context"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// tellStrangers warns, once in the life of this process, of objects that carry the app's label although neither Git nor
// the record names them: people copy objects with their labels. They are never touched.
func (p *pass) tellStrangers() {
	inGit := map[record.Key]bool{}
	for _, o := range p.desired {
		inGit[o.Key()] = true
	}
	for _, k := range p.live.Carrying(p.id) {
		u := p.live.Object(k)
		if _, recorded := p.rec.Rows[k]; recorded || inGit[k] || p.ignored[k] || u.GetDeletionTimestamp() != nil {
			continue
		}
		if _, told := p.memory().strangers.LoadOrStore(u.GetUID(), true); !told {
			p.Say(report.Warning, "%s carries the label of %s, but is not of its making: it is left alone", desired.KeyText(k), p.app.Name)
		}
	}
}

// checkCluster compares the cluster's identity, the uid of its namespace kube-system, with the recorded one, and records
// it first. It costs a request only when the record has none, or when suspicious is true. Who may not read the
// namespace goes without.
func (p *pass) checkCluster(ctx context.Context, suspicious bool) error {
	if p.rec.Cluster != "" && !suspicious {
		return nil
	}
	uid, known := p.memory().identity.Load().(string)
	if !known {
		ns, err := p.Cluster.Get(ctx, cluster.Ref{Kind: cluster.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}, Name: "kube-system"})
		if err == nil {
			uid = string(ns.GetUID())
		}
		if ctx.Err() != nil {
			return wait.ErrInterrupted
		}
		p.memory().identity.Store(uid)
	}
	switch {
	case uid == "" || p.rec.Cluster == uid:
	case p.rec.Cluster == "":
		p.rec.Cluster = uid
	default:
		return hint.Errorf(fmt.Sprintf("the record of %s was made in another cluster (kube-system is %s there, and %s here)", p.app.Name, p.rec.Cluster, uid),
			"nothing was written; if the record was restored or copied here, delete its Secrets (kubectl delete secret -n %s -l kubectl-gitops.dev/app=%s): the next run rebuilds it from labels, and prunes nothing",
			p.Records.Namespace, p.app.Name)
	}
	return nil
}

// suspicious tells whether the record and the cluster differ in a way that a record of another cluster would explain.
func (p *pass) suspicious() bool {
	if p.live.IsRewound() {
		return true
	}
	for _, v := range p.states {
		if v == live.Missing || v == live.Replaced {
			return true
		}
	}
	return false
}
