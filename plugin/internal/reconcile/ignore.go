package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// ignoreFields takes what the rules leave to others out of the manifests. An object that is created gets it once.
func ignoreFields(rules []Ignore, objects []*object) error {
	for _, o := range objects {
		if o.hook != nil {
			continue
		}
		whole, err := json.Marshal(o.manifest.Object)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", o.origin, o.ID(), err)
		}
		matched := false
		for _, r := range rules {
			if !ignores(r, o) {
				continue
			}
			matched = true
			o.managers = append(o.managers, r.Managers...)
			o.released = append(o.released, r.Paths...)
			for _, pointer := range r.Paths {
				cut(o.manifest.Object, fields.Pointer(pointer))
			}
		}
		if matched {
			o.first = whole
		}
	}
	return nil
}

// ignores tells whether a rule is about an object. Kind, group, namespace and name may hold "*".
func ignores(r Ignore, o *object) bool {
	for _, pair := range [][2]string{{r.Group, o.Group}, {r.Kind, o.Ref.Kind.Kind}, {r.Namespace, o.Namespace}, {r.Name, o.Name}} {
		if ok, err := path.Match(pair[0], pair[1]); pair[0] != "" && (err != nil || !ok) {
			return false
		}
	}
	have := o.manifest.GetLabels()
	for name, value := range r.Labels {
		if v, ok := have[name]; !ok || v != value {
			return false
		}
	}
	return true
}

// cut takes what segments point at out of v, and returns what is left of it.
func cut(v any, segments []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if segments[0] != "*" && segments[0] != name {
				continue
			}
			if len(segments) == 1 {
				delete(v, name)
			} else {
				v[name] = cut(inner, segments[1:])
			}
		}
	case []any:
		var left []any
		for i, inner := range v {
			if segments[0] != "*" && segments[0] != strconv.Itoa(i) && segments[0] != nameOf(inner) {
				left = append(left, inner)
			} else if len(segments) > 1 {
				left = append(left, cut(inner, segments[1:]))
			}
		}
		return left
	}
	return v
}

func nameOf(item any) string {
	switch item := item.(type) {
	case map[string]any:
		name, _ := item["name"].(string)
		return name
	case string:
		return item
	}
	return ""
}

// yield prepares an object for being applied without the fields that are left to others. Those that we still own are
// handed over first. What is created is created whole.
func (p *pass) yield(ctx context.Context, s *step) (*step, error) {
	if len(s.released) == 0 && len(s.managers) == 0 {
		return s, nil
	}
	live := s.live
	if live == nil {
		u, err := p.Cluster.Get(ctx, s.Ref)
		switch {
		case apierrors.IsNotFound(err) && len(s.first) > 0:
			return s.as(s.first)
		case apierrors.IsNotFound(err):
			return s, nil
		case err != nil:
			return s, err
		}
		live = u
	}
	return p.without(ctx, s, live)
}

// without hands over what we own of the released fields in live, and returns the step without what is left to others. A dry
// run hands nothing over: it keeps what would be.
func (p *pass) without(ctx context.Context, s *step, live *unstructured.Unstructured) (*step, error) {
	theirs, mine := fields.OwnedBy(live, s.managers), fieldpath.NewSet()
	if set, ok, err := fields.Applied(live, record.Manager); err != nil {
		return s, err
	} else if ok {
		mine = fields.Select(live, set, s.released)
		if err := p.handOver(ctx, s, live, mine); err != nil {
			return s, err
		}
		theirs = theirs.Union(mine)
	}
	if theirs.Empty() {
		return s, nil
	}
	m := s.manifest.DeepCopy()
	fields.Remove(m.Object, theirs.Difference(identity(s)))
	if p.opts.DryRun {
		fields.Put(m.Object, live, mine)
	}
	body, err := json.Marshal(m.Object)
	if err != nil {
		return s, err
	}
	return s.as(body)
}

// identity is what a manifest must say whoever owns it.
func identity(s *step) *fieldpath.Set {
	return fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "labels", record.LabelPartOf), fieldpath.MakePathOrDie("metadata", "name"),
		fieldpath.MakePathOrDie("metadata", "namespace"), fieldpath.MakePathOrDie("kind"), fieldpath.MakePathOrDie("apiVersion"))
}

// as is the step with another manifest.
func (s *step) as(body []byte) (*step, error) {
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, &u.Object); err != nil {
		return s, err
	}
	o, t := *s.object, *s
	o.manifest, o.body = u, body
	t.object = &o
	return &t, nil
}

// letGo gives away the ignored fields of an object that was created with them.
func (p *pass) letGo(ctx context.Context, s *step, created *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if len(s.released) == 0 {
		return created, nil
	}
	u := s.manifest.DeepCopy()
	for _, pointer := range s.released {
		cut(u.Object, fields.Pointer(pointer))
	}
	body, err := json.Marshal(u.Object)
	if err != nil {
		return nil, err
	}
	less, err := s.as(body)
	if err != nil {
		return nil, err
	}
	if less, err = p.without(ctx, less, created); err != nil {
		return nil, err
	}
	after, _, err := p.send(ctx, less, created.GetUID())
	return after, err
}

// handOver lets the keeper hold fields of ours with their live values, because we stop sending them: server-side apply
// removes a field that its last owner stops sending.
func (p *pass) handOver(ctx context.Context, s *step, live *unstructured.Unstructured, mine *fieldpath.Set) error {
	if mine.Empty() || p.opts.DryRun {
		return nil
	}
	body := fields.Extract(live, mine)
	meta, _ := body["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["name"], meta["uid"] = s.Name, live.GetUID()
	if s.Namespace != "" {
		meta["namespace"] = s.Namespace
	}
	body["metadata"], body["apiVersion"], body["kind"] = meta, s.GVK().GroupVersion().String(), s.Ref.Kind.Kind
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	held := fields.OwnedBy(live, []string{keeper})
	if !held.Difference(mine).Empty() { // what it holds of other rules stays held
		return p.handOver(ctx, s, live, mine.Union(held))
	}
	if _, _, err = p.Cluster.Apply(ctx, s.Ref, raw, cluster.ApplyOptions{Manager: keeper, Force: true}); err != nil {
		return fmt.Errorf("hand over %s: %w", cmp.Or(slices.Concat(s.released, []string{"fields"})...), err)
	}
	return nil
}
