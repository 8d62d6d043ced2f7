package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// maxForeign bounds how many objects the record remembers having told foreign fields of.
const maxForeign = 200

// dropForeign takes away what people added to an object beside what Git sets, and returns what that was.
func (p *pass) dropForeign(ctx context.Context, ref cluster.Ref, u *unstructured.Unstructured) (*unstructured.Unstructured, []fields.Difference, error) {
	const tries = 5
	for range tries {
		remove, gone := fields.Strip(u, record.Manager)
		if len(remove) == 0 {
			return u, nil, nil
		}
		patch := append([]map[string]any{{"op": "test", "path": "/metadata/resourceVersion", "value": u.GetResourceVersion()}}, remove...)
		raw, err := json.Marshal(patch)
		if err != nil {
			return nil, nil, err
		}
		if p.opts.DryRun {
			return stripped(u, gone), gone, nil
		}
		after, err := p.Cluster.PatchJSON(ctx, ref, raw, record.Manager)
		if err == nil {
			return after, gone, nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
			return nil, nil, fmt.Errorf("take away %s: %w", gone[0].Path, err)
		}
		live, getErr := p.Cluster.Get(ctx, ref)
		if getErr != nil {
			return nil, nil, getErr
		}
		if live.GetResourceVersion() == u.GetResourceVersion() { // not a race: the server refuses it
			return nil, nil, fmt.Errorf("take away %s: %w", gone[0].Path, err)
		}
		u = live
	}
	return u, nil, nil
}

// stripped shows in a dry run what would be left.
func stripped(u *unstructured.Unstructured, gone []fields.Difference) *unstructured.Unstructured {
	u = u.DeepCopy()
	fields.Drop(u, gone)
	return u
}

// noteForeign tells once what people added to an object of ours beside what Git sets, and remembers that in the record.
func (p *pass) noteForeign(row record.Row, u metav1.Object) {
	if p.app.ForeignFields == ForeignKeep || p.app.ForeignFields == ForeignRevert || p.opts.DryRun || row.CreateOnly {
		return
	}
	text := live.Beside(u)
	if p.rec.Foreign[row.ID()] == text || text != "" && len(p.rec.Foreign) >= maxForeign {
		return
	}
	if text == "" { // the next save forgets it: that alone is no reason to write
		delete(p.rec.Foreign, row.ID())
		return
	}
	p.remarked = true
	if p.rec.Foreign == nil {
		p.rec.Foreign = map[string]string{}
	}
	p.rec.Foreign[row.ID()] = text
	p.Remark(report.Change{Object: row.ID(), Short: p.Short(row.Ref), Action: report.Unchanged, Note: text})
}

// forgetForeign drops what was told of objects that are no longer the app's.
func (p *pass) forgetForeign() {
	if len(p.rec.Foreign) == 0 {
		return
	}
	ours := make(map[string]bool, len(p.rec.Rows))
	for _, row := range p.rec.Rows {
		ours[row.ID()] = true
	}
	maps.DeleteFunc(p.rec.Foreign, func(id, _ string) bool { return !ours[id] })
}

// noteAll looks for what others added to objects that were written since we wrote them.
func (p *pass) noteAll() {
	for k, row := range p.rec.Rows {
		if u := p.live.Member(k, p.id); u != nil && p.states[k] == live.InSync && u.GetResourceVersion() != row.ResourceVersion {
			p.noteForeign(row, u)
		}
	}
}
