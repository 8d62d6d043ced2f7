package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// object is one desired object, ready to be sent.
type object struct {
	cluster.Ref
	origin   manifest.Origin
	manifest *unstructured.Unstructured
	policy   desired.Policy
	hook     *hook        // it is run instead of applied
	needs    []record.Key // what it depends on
	after    stage        // not before this one: of what it depends on
	first    []byte       // what creates it, where that is more than what is applied later
	body     []byte       // the manifest as JSON
	released []string     // JSON pointers to fields that are left to somebody else
	managers []string     // whose fields are left to them
	notes    []string     // what Git says in vain
}

func (o *object) key() record.Key { return record.KeyOf(o.Ref) }

// stage tells when the object is applied.
func (o *object) stage() stage {
	s := stageOf(o.Ref.Kind, o.manifest.GetAnnotations())
	if o.after.compare(s) > 0 {
		return o.after
	}
	return s
}

// prepare turns rendered objects into what is sent: kinds mapped, namespaces filled in, our label set, fields that are
// the server's or another controller's taken out. Everything that is wrong is reported at once.
func (r *Reconciler) prepare(ctx context.Context, app App, rendered []manifest.Object) ([]*object, error) {
	local, problems := definedKinds(app.Allow, rendered)
	var objects []*object
	seen := map[record.Key]manifest.Origin{}
	for _, ro := range rendered {
		kind, err := r.Cluster.KindOr(ctx, ro.GroupVersionKind(), local)
		var unknown *cluster.UnknownKindError
		if errors.As(err, &unknown) {
			if desired.PolicyOf(ro.GetAnnotations()).Patient {
				objects = append(objects, waiting(ro))
				continue
			}
			problems = append(problems, manifest.Problem{Origin: ro.Origin, Object: ro.ID(), Message: err.Error(),
				Hint: strings.Join(hint.Of(err), "; ")})
			continue
		}
		if err != nil {
			return nil, err
		}
		o := &object{Ref: cluster.Ref{Kind: kind, Name: ro.GetName()}, origin: ro.Origin, manifest: ro.Unstructured.DeepCopy(),
			policy: desired.PolicyOf(ro.GetAnnotations())}
		if kind.Namespaced {
			o.Namespace = cmp.Or(ro.GetNamespace(), app.Namespace, "default")
		}
		if o.hook, err = hookOf(ro.GetAnnotations()); err != nil {
			problems = append(problems, unknownHook(ro, err))
			continue
		}
		if o.hook.neverRun(kind) {
			o.hook = nil
		}
		refused, err := r.guardInstance(ctx, o)
		if err != nil {
			return nil, err
		}
		problems = append(problems, refused...)
		if o.hook != nil && o.Name == "" {
			claimHook(o)
			objects = append(objects, o)
			continue
		}
		if o.Name == "" {
			problems = append(problems, manifest.Problem{Origin: ro.Origin, Object: ro.ID(),
				Message: "metadata.generateName cannot be applied: each pass would create another object",
				Hint:    "give it a metadata.name"})
			continue
		}
		if first, twice := seen[o.key()]; twice {
			problems = append(problems, manifest.Problem{Origin: ro.Origin, Object: o.ID(),
				Message: fmt.Sprintf("is defined twice, first at %s", first), Hint: "remove one of the two"})
			continue
		}
		seen[o.key()] = ro.Origin
		if o.hook != nil {
			claimHook(o)
		} else {
			claim(o, r.Records.ID(app.Name))
		}
		objects = append(objects, o)
	}
	problems = append(problems, orderByDependencies(objects)...)
	if len(problems) > 0 {
		return nil, problems
	}
	for _, o := range objects {
		leaveToControllers(o)
	}
	leaveScalingToHPAs(objects)
	if err := ignoreFields(app.Ignore, objects); err != nil {
		return nil, err
	}
	if err := encode(ctx, objects); err != nil {
		return nil, err
	}
	return objects, nil
}

// encode fills in the bodies.
func encode(ctx context.Context, objects []*object) error {
	failures := make([]error, len(objects))
	concurrent.Each(ctx, len(objects), runtime.GOMAXPROCS(0), func(i int) {
		o := objects[i]
		if o.body, failures[i] = json.Marshal(o.manifest.Object); failures[i] != nil {
			failures[i] = fmt.Errorf("%s: %s: %w", o.origin, o.ID(), failures[i])
		}
	})
	return cmp.Or(ctx.Err(), errors.Join(failures...))
}

// claim takes out what is not the manifest's to say and makes the object a member of our ApplySet.
func claim(o *object, id string) {
	u := o.manifest
	for _, f := range []string{"managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "deletionTimestamp"} {
		unstructured.RemoveNestedField(u.Object, "metadata", f)
	}
	delete(u.Object, "status")
	if o.Namespace != "" {
		u.SetNamespace(o.Namespace)
	} else {
		unstructured.RemoveNestedField(u.Object, "metadata", "namespace")
	}
	labels := u.GetLabels()
	if id == "" {
		return
	}
	if labels == nil {
		labels = map[string]string{}
	}
	labels[record.LabelPartOf] = id
	u.SetLabels(labels)
}

// claimHook does the same for a hook, which is no member: it is not compared, applied or pruned.
func claimHook(o *object) { claim(o, "") }

// leaveScalingToHPAs takes spec.replicas out of every manifest that a HorizontalPodAutoscaler of the same app scales:
// the number is the autoscaler's, Git's would fight it on every pass.
func leaveScalingToHPAs(objects []*object) {
	byKey := map[record.Key]*object{}
	for _, o := range objects {
		byKey[o.key()] = o
	}
	for _, o := range objects {
		if o.Group != "autoscaling" || o.Kind.Kind != "HorizontalPodAutoscaler" {
			continue
		}
		target, _, _ := unstructured.NestedStringMap(o.manifest.Object, "spec", "scaleTargetRef")
		gv, err := schema.ParseGroupVersion(target["apiVersion"])
		if err != nil {
			continue
		}
		t := byKey[record.Key{Group: gv.Group, Kind: target["kind"], Namespace: o.Namespace, Name: target["name"]}]
		if t == nil {
			continue
		}
		unstructured.RemoveNestedField(t.manifest.Object, "spec", "replicas")
		t.released = append(t.released, "/spec/replicas")
	}
}
