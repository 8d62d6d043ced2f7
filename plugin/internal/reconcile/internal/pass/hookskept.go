package pass

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// keepHooks sets which hooks the record keeps for the removal of the app. With first, it warns of hooks that cannot be kept.
func (p reading) keepHooks(first bool) error {
	var list []record.KeptHook
	var largest *desired.Object
	for _, o := range p.Hooks.List {
		if !o.Hook.OfRemoval() {
			continue
		}
		if why := p.NotKept(o); why != "" {
			if first {
				p.Say(report.Warning, "%s", manifest.Problem{Origin: o.Origin, Object: o.ID(), Message: why}.Error())
			}
			continue
		}
		body, err := plan.KeptBody(p.Record, o)
		if err != nil {
			return err
		}
		list = append(list, record.KeptHook{Object: o.Ref, Manifest: body})
		if largest == nil || len(o.Body) > len(largest.Body) {
			largest = o
		}
	}
	slices.SortFunc(list, func(a, b record.KeptHook) int {
		return cmp.Or(cmp.Compare(a.Object.ID(), b.Object.ID()), bytes.Compare(a.Manifest, b.Manifest))
	})
	kept, err := record.PackHooks(list)
	if err == nil && len(kept) > record.MaxKept {
		return manifest.Problems{{Origin: largest.Origin, Object: largest.ID(),
			Message: fmt.Sprintf("the hooks for the removal of the app, of which this is the largest, are kept in its record, and take %d KiB there: %d KiB are allowed",
				len(kept)>>10, record.MaxKept>>10),
			Hint: "put what they bring along into an image, or into a ConfigMap that is no hook"}}
	}
	p.Hooks.Keep = kept
	return err
}

// NotKept returns why the record cannot keep a hook, "" when it can. Values of Secrets must not get into the record.
func (p reading) NotKept(o *desired.Object) string {
	switch {
	case o.Group == "" && o.Ref.Kind.Kind == "Secret":
		return "a Secret is not kept for the removal of the app, so it will not be there; one that is no hook is there when PreDelete hooks run"
	case record.IsContainer(o.Ref.Kind):
		return fmt.Sprintf("a %s is not run as a hook, and this one is not applied either", o.Ref.Kind.Kind)
	case diff.Repeats(o.Manifest, p.Secrets()...), p.Hides(o.Manifest):
		return "it repeats a value of a Secret, so it is not kept for the removal of the app and will not run; refer to the Secret instead (secretKeyRef)"
	}
	return ""
}
