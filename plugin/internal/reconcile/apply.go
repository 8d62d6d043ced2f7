package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

const (
	// writesInFlight bounds how many objects are written at once.
	writesInFlight = 16
	// unsettledAtOnce bounds how many whole answers of the server are held: the record needs little of them.
	unsettledAtOnce = 64
	// keeper holds the value of a field that we stop sending, so that the server does not reset it.
	keeper = "gitops-keeper"
)

// apply runs the steps stage by stage, and inside a stage in parallel. A failed object does not stop the others, but
// what lies in a Namespace or is of a CRD that failed is not tried, and neither is a wave after one that failed.
func (p *pass) apply(ctx context.Context) error {
	steps := p.plan.Steps
	first, begun := p.needNamespaces(), false
	for len(steps) > 0 {
		if !begun && (!first || steps[0].Stage.Phase > desired.PhaseNamespaces) {
			if err := p.preSync(ctx); err != nil {
				return err
			}
			begun = true
		}
		n := 1
		for n < len(steps) && steps[n].Stage == steps[0].Stage {
			n++
		}
		now := steps[:n]
		steps = steps[n:]
		if err := p.syncHooks(ctx, &now[0].Stage); err != nil {
			return err
		}
		if err := p.ready(ctx, now[0].Stage); err != nil {
			return err
		}
		if p.applyStage(ctx, p.holdBack(now)); ctx.Err() != nil {
			return wait.ErrInterrupted
		}
	}
	if !begun && len(p.failed) == 0 {
		if err := p.preSync(ctx); err != nil {
			return err
		}
	}
	return p.syncHooks(ctx, nil)
}

// applyStage applies the steps of one stage in parallel, and settles each while later ones are under way.
func (p *pass) applyStage(ctx context.Context, steps []*plan.Step) {
	why := make([]string, len(steps))
	for i, s := range steps {
		why[i] = p.blocked(s) // before failures of this very stage are noted
	}
	outcomes := make([]outcome, len(steps))
	concurrent.InOrder(ctx, len(steps), writesInFlight, unsettledAtOnce, func(i int) {
		if why[i] == "" {
			outcomes[i] = p.applyOne(ctx, steps[i])
		} else {
			outcomes[i] = outcome{skipped: why[i]}
		}
	}, func(i int) {
		p.settle(steps[i], outcomes[i])
		outcomes[i] = outcome{} // whole objects
	})
}

// ready waits until a stage can start: the CRDs before it are served, and the objects of earlier waves healthy,
// whether this pass applied them or an earlier one. A CRD that takes long holds up only what needs it.
func (p *pass) ready(ctx context.Context, next desired.Stage) error {
	if p.opts.DryRun || next.Phase <= desired.PhaseCRDs {
		return nil
	}
	var crds []*desired.Object
	var earlier []record.Key
	for _, o := range p.desired {
		switch s := o.Stage(); {
		case p.failed[o.Key()]:
			p.failedWaves = p.failedWaves || s.Phase == desired.PhaseWaves && (next.Phase > desired.PhaseWaves || s.Wave < next.Wave)
		case p.track.AssumedHealthy[o.Key()]: // settled before, and as it was
		case s.Phase == desired.PhaseCRDs:
			crds = append(crds, o)
		case s.Phase == desired.PhaseWaves && next.Phase == desired.PhaseWaves && s.Wave < next.Wave:
			earlier = append(earlier, o.Key())
		}
	}
	if err := p.lookAtKinds(ctx, crds); err != nil {
		return err
	}
	earlier = append(earlier, p.needed(next)...)
	if slices.ContainsFunc(p.unserved, func(s *plan.Step) bool { return slices.Contains(earlier, s.Key()) }) {
		if err := p.awaitKinds(ctx); err != nil {
			return err
		}
		p.failedWaves = p.failedWaves || next.Phase >= desired.PhaseWaves && slices.ContainsFunc(earlier, func(k record.Key) bool { return p.failed[k] })
	}
	if p.failedWaves {
		return nil
	}
	return p.wait.Healthy(ctx, earlier, nil)
}

// outcome is what one write did. after is the object as the server stored it.
type outcome struct {
	after   *unstructured.Unstructured
	before  *unstructured.Unstructured
	created bool
	skipped string
	from    string              // who made the object that was there before
	former  []owners.Claim      // who it belonged to
	ahead   string              // which app before this one defines its kind, when the server does not yet
	gone    []fields.Difference // fields of others that were taken away
	dropped []fields.Leftover   // what made way for fields of Git's
	refused bool                // because the server refuses these beside it
	left    bool                // it is create-only and exists: nothing was sent
	anew    string              // why it was deleted and created anew
	err     error
}

func (p *pass) applyOne(ctx context.Context, s *plan.Step) outcome {
	if s.State == live.Terminating && s.Live != nil {
		return outcome{err: fmt.Errorf("is being deleted since %s; it is applied again when it is gone",
			wait.Age(p.Now().Sub(s.Live.GetDeletionTimestamp().Time)))}
	}
	ctx, cancel := wait.Lingering(ctx, wait.WriteGrace)
	defer cancel()
	if out, done := p.leaveAlone(ctx, s); done {
		return out
	}
	before := s.Live
	if p.opts.DryRun && before == nil {
		live, err := p.Cluster.Get(ctx, s.Ref)
		if err != nil && !apierrors.IsNotFound(err) {
			return outcome{err: err}
		}
		before = live
	}
	if err := p.memory().fights.over(p.Now(), s); err != nil {
		return outcome{err: err}
	}
	s, err := p.underOneName(ctx, s, before)
	if err == nil {
		s, err = p.yield(ctx, s)
	}
	if err != nil {
		return outcome{err: err}
	}
	if s.Recreate != "" || p.opts.DryRun && replacedAnew(s) {
		return p.finishApply(ctx, s, p.replaceAnew(ctx, s))
	}
	w, err := p.write(ctx, s, before)
	after, created := w.after, w.created
	if undeclared(err) && p.renameVersion(ctx, s) {
		after, created, err = p.send(ctx, s, uidOf(s.Live))
	}
	if s.Live != nil && apierrors.IsConflict(err) && !ownedByOthers(err) {
		// It was deleted since the look: by somebody, then it comes back; or by another reconciler, that knows better.
		if err = p.Records.Unchanged(ctx, p.rec); err == nil {
			after, created, err = p.send(ctx, s, "")
		}
	}
	if err != nil && s.Policy.Recreate && refusesUpdate(err) {
		return p.finishApply(ctx, s, p.anew(ctx, s, err))
	}
	if p.opts.DryRun && apierrors.IsNotFound(err) && p.willExist(s) {
		return outcome{after: s.Manifest, created: true, ahead: p.definedAhead(s.Ref.Kind)}
	}
	if before == nil {
		before = w.before
	}
	return p.finishApply(ctx, s, outcome{after: after, before: before, created: created, dropped: w.dropped, refused: w.refused, err: err})
}

// finishApply does what follows an apply that went well: fields that are left to others are let go, what an object that
// is taken over has of its former tool ends, and what others added goes if the app says so.
func (p *pass) finishApply(ctx context.Context, s *plan.Step, o outcome) outcome {
	if o.err == nil && !o.created {
		o.after, o.err = p.oneShare(ctx, s, o.after)
	}
	if o.err == nil && o.created && len(s.First) > 0 && !p.opts.DryRun {
		o.after, o.err = p.letGo(ctx, s, o.after)
	}
	if o.err == nil && adopting(s, o.created) {
		o.from, o.former = owners.Former(s.Ref, o.after), owners.Claims(s.Ref, o.after)
	}
	switch {
	case o.err == nil && !p.opts.DryRun:
		o.after, o.err = p.soleOwner(ctx, s, o.after, adopting(s, o.created))
	case o.err == nil && adopting(s, o.created):
		o.after = unmarked(s, o.after)
	}
	if o.err == nil && p.app.ForeignFields == ForeignRevert {
		o.after, o.gone, o.err = p.dropForeign(ctx, s.Ref, o.after)
	}
	return o
}

// blocked tells why a step is not tried: its Namespace, its CRD or an earlier wave failed.
func (p *pass) blocked(s *plan.Step) string {
	if p.failedWaves && s.Stage.Phase >= desired.PhaseWaves {
		return "an earlier wave failed"
	}
	for _, k := range s.Needs {
		if p.failed[k] {
			return desired.KeyText(k) + ", which it depends on, failed"
		}
	}
	for f := range p.failed {
		if s.Namespace != "" && f.Kind == "Namespace" && f.Group == "" && f.Name == s.Namespace {
			return "its Namespace failed"
		}
		if f.Kind == "CustomResourceDefinition" && f.Name == s.Resource+"."+s.Group {
			return "its CustomResourceDefinition failed"
		}
	}
	return ""
}

// ownedDigest is the digest of the fields we own in u, "" when there are none.
func (p *pass) ownedDigest(u *unstructured.Unstructured) string {
	set, ok, err := fields.Applied(u, record.Manager)
	if err != nil || !ok {
		return ""
	}
	return fields.Digest(p.rec.Secret, u, set)
}

// settle turns the outcome of a step into a row of the record and a change of the report.
func (p *pass) settle(s *plan.Step, o outcome) {
	c := report.Change{Object: s.ID(), Short: p.Short(s.Ref), Origin: s.Origin.String()}
	switch {
	case o.skipped != "":
		c.Action, c.Note = report.Skipped, o.skipped
		p.failed[s.Key()] = true
	case o.err != nil:
		c.Action = report.Failed
		c.Error, c.Hint = p.explain(o.err, s)
		p.failed[s.Key()] = true
	case o.left:
		p.leave(s, o)
		c.Action = report.Unchanged
	default:
		p.track.After[s.Key()] = o.after
		if o.created {
			p.installed(s.Key())
		}
		if o.anew != "" {
			p.recreated = append(p.recreated, s)
		}
		p.succeed(&c, s, o)
		for _, former := range o.former {
			p.warnMissing(former)
		}
		if c.Action == report.Reverted && !p.opts.DryRun {
			p.memory().fights.reverted(p.Now(), s, o.before, c.Fields)
		}
		if p.opts.DryRun {
			p.Effects = append(p.Effects, report.Effect{Ref: s.Ref, Origin: s.Origin, Before: o.before, After: o.after, Note: effectNote(s, o, c)})
		} else {
			p.track.Slim(s.Key())
		}
	}
	p.Change(c)
}

func (p *pass) succeed(c *report.Change, s *plan.Step, o outcome) {
	set, ok, err := fields.Applied(o.after, record.Manager)
	ok = ok && err == nil
	if !p.opts.DryRun {
		row := record.Row{Ref: s.Ref, UID: o.after.GetUID(), ResourceVersion: o.after.GetResourceVersion(),
			Generation: o.after.GetGeneration(), Manifest: s.Hash, Adopted: adopted(s, o) && !p.madeNamespace(o.after), CreateOnly: s.Policy.CreateOnly,
			Expires: wait.Expires(o.after)}
		if ok { // without an entry of ours only an unchanged resourceVersion is clean
			row.Owned = fields.Digest(p.rec.Secret, o.after, set)
			row.Metadata = fields.MetadataDigest(p.rec.Secret, o.after, set)
		}
		p.rec.Rows[s.Key()] = row
	}
	if ok && o.before != nil {
		told := set
		if was, known, err := fields.Applied(o.before, record.Manager); known && err == nil {
			told = set.Union(was) // a field that left Git is told too
		}
		c.Fields = p.fieldChanges(s, o, fields.Diff(o.before, o.after, told))
	}
	if len(o.gone) > 0 {
		c.Fields = append(c.Fields, p.fieldChanges(s, o, o.gone)...)
	}
	c.Fields = append(p.droppedFields(s, o, c.Fields), c.Fields...) // a line tells the first
	c.Action, c.Note = classify(s, o)
	if o.refused {
		c.Note = strings.TrimPrefix(c.Note+"; "+madeWay(o.dropped), "; ")
	}
	if p.opts.DryRun {
		return
	}
	if ok {
		p.tellRewritten(c, s, o, set)
	}
	p.noteForeign(p.rec.Rows[s.Key()], o.after)
}

// adopted tells whether somebody else made the object that is now ours. Of a row that was written ahead and has our
// label, we are taken to be its maker.
func adopted(s *plan.Step, o outcome) bool {
	switch {
	case o.created:
		return false
	case s.Row != nil && s.Row.UID == o.after.GetUID():
		return s.Row.Adopted
	case s.From != nil:
		return s.From.Row.Adopted
	case s.Row != nil && s.Row.Adopted: // handed over by a run that was cut off
		return true
	}
	return s.Live == nil || s.State == live.Replaced
}

// classify names what happened. Drift is what differs although Git did not change.
func classify(s *plan.Step, o outcome) (report.Action, string) {
	same := !o.created && o.before != nil && jsonOf(bare(o.before)) == jsonOf(bare(o.after))
	known := s.Row != nil && s.Row.UID != ""
	switch {
	case o.anew != "" && known && !s.Changed:
		return report.Reverted, "deleted and recreated, " + o.anew
	case o.anew != "":
		return report.Configured, "deleted and recreated, " + o.anew
	case o.created && known && !s.Changed:
		return report.Reverted, "it had been deleted"
	case o.created:
		return report.Created, o.ahead
	case same:
		return report.Unchanged, ""
	case s.From != nil:
		return report.Configured, plan.HandedOver(s.From)
	case s.Changed && s.Row == nil:
		return report.Configured, "it existed before" + o.from
	case s.Changed, !known:
		return report.Configured, ""
	case s.State == live.Replaced, s.State == live.Missing && o.after.GetUID() != "" && o.after.GetUID() != s.Row.UID:
		return report.Reverted, "it had been deleted and recreated" + o.from
	case s.State == live.Missing:
		return report.Reverted, "its label " + record.LabelPartOf + " had been removed" + o.from
	}
	return report.Reverted, ""
}

// bare is an object without status and bookkeeping. A dry run keeps the resourceVersion, so that tells nothing.
func bare(u *unstructured.Unstructured) map[string]any {
	c := u.DeepCopy().Object
	delete(c, "status")
	for _, f := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(c, "metadata", f)
	}
	return c
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

// fieldChanges words the differences of owned fields, with who set the old value. Values of Secrets are masked.
func (p *pass) fieldChanges(s *plan.Step, o outcome, diffs []fields.Difference) []report.FieldChange {
	var out []report.FieldChange
	for _, d := range diffs {
		if (s.From != nil || firstTime(s)) && strings.HasSuffix(d.Path, "["+record.LabelPartOf+"]") {
			continue // that is what handing over, and taking over, means
		}
		f := report.FieldChange{Path: d.Path, From: d.From, To: d.To}
		if s.Kind.IsSecret() {
			f.From, f.To = tell.Masked(d.From), tell.Masked(d.To)
		}
		if o.before == nil { // it was taken over without having been read
			out = append(out, f)
			continue
		}
		if by := fields.SetBy(o.before, d, record.Manager); by != nil && by.Manager != keeper {
			f.By = &report.Owner{Manager: by.Manager, Operation: by.Operation, Subresource: by.Subresource, Time: by.Time}
		}
		out = append(out, f)
	}
	return out
}

// droppedFields words what made way for Git's fields and is not told yet.
func (p *pass) droppedFields(s *plan.Step, o outcome, told []report.FieldChange) []report.FieldChange {
	var out []report.FieldChange
	for _, l := range o.dropped {
		if slices.ContainsFunc(told, func(f report.FieldChange) bool { return f.Path == l.Path }) {
			continue
		}
		f := report.FieldChange{Path: l.Path, From: l.From, To: l.Left(o.after)}
		if jsonOf(f.From) == jsonOf(f.To) {
			continue // the server fills it in as it was
		}
		if s.Kind.IsSecret() {
			f.From, f.To = tell.Masked(f.From), tell.Masked(f.To)
		}
		if l.By != nil {
			f.By = &report.Owner{Manager: l.By.Manager, Operation: l.By.Operation, Subresource: l.By.Subresource, Time: l.By.Time}
		}
		out = append(out, f)
	}
	return out
}

func immutable(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code == 422 && saysImmutable(err.Error())
}
