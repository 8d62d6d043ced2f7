package desired

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

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Stage returns the stage in which the object is applied.
func (o *Object) Stage() Stage {
	s := StageOf(o.Ref.Kind, o.Manifest.GetAnnotations())
	if o.after.Compare(s) > 0 {
		return o.after
	}
	return s
}

// Cluster answers the questions that Prepare asks about the API server and the instance.
type Cluster struct {
	// Kind says how a kind is served, or is about to be: defined are the kinds that the app defines itself. Its error is, or
	// holds, an *object.UnknownKindError where it is neither.
	Kind func(ctx context.Context, gvk schema.GroupVersionKind, defined map[schema.GroupVersionKind]object.Kind) (object.Kind, error)
	// Refused says why no app may contain an object: it belongs to an instance itself.
	Refused func(ctx context.Context, o *Object) (manifest.Problems, error)
}

// Prepare turns the rendered objects of an app into what is sent: kinds mapped to resources, namespaces filled in, the label
// of the ApplySet set (set is its id), and fields of the server or of other controllers removed. An object whose kind is not
// known, but may wait for it, has no Resource. All problems are returned at once, as manifest.Problems.
func Prepare(ctx context.Context, a app.App, rendered []manifest.Object, set string, c Cluster) ([]*Object, error) {
	local, problems := DefinedKinds(a.Allow, rendered)
	var objects []*Object
	seen := map[object.Key]manifest.Origin{}
	for _, ro := range rendered {
		kind, err := c.Kind(ctx, ro.GroupVersionKind(), local)
		var unknown *object.UnknownKindError
		if errors.As(err, &unknown) {
			if PolicyOf(ro.GetAnnotations()).Patient {
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
		o := New(object.Ref{Kind: kind, Name: ro.GetName()}, ro)
		o.Policy = PolicyIn(a, ro.GetAnnotations())
		if kind.Namespaced {
			o.Namespace = cmp.Or(ro.GetNamespace(), a.Namespace, "default")
		}
		if o.Hook, err = ParseHook(ro.GetAnnotations()); err != nil {
			problems = append(problems, unknownHook(ro, err))
			continue
		}
		if a.RunsTests() {
			o.Hook.addTests(ro.GetAnnotations())
		}
		if o.Hook.neverRun(kind) {
			o.Hook = nil
		}
		refused, err := c.Refused(ctx, o)
		if err != nil {
			return nil, err
		}
		problems = append(problems, refused...)
		if o.Hook != nil && o.Name == "" {
			claimHook(o)
			objects = append(objects, o)
			continue
		}
		if o.Name == "" {
			problems = append(problems, manifest.Problem{Origin: ro.Origin, Object: ro.ID(),
				Message: "metadata.generateName cannot be applied: each run would create another object",
				Hint:    "give it a metadata.name"})
			continue
		}
		if first, twice := seen[o.Key()]; twice {
			problems = append(problems, manifest.Problem{Origin: ro.Origin, Object: o.ID(),
				Message: fmt.Sprintf("is defined twice, first at %s", first), Hint: "remove one of the two"})
			continue
		}
		seen[o.Key()] = ro.Origin
		if o.Hook != nil {
			claimHook(o)
		} else {
			claim(o, set)
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
	if err := ignoreFields(a.Ignore, objects); err != nil {
		return nil, err
	}
	if err := encode(ctx, objects); err != nil {
		return nil, err
	}
	return objects, nil
}

// New returns a desired object with the manifest as it was rendered.
func New(ref object.Ref, ro manifest.Object) *Object {
	return &Object{Ref: ref, Origin: ro.Origin, Manifest: ro.Unstructured.DeepCopy(), Policy: PolicyOf(ro.GetAnnotations()), Generated: ro.Generated}
}

// encode fills in the bodies.
func encode(ctx context.Context, objects []*Object) error {
	failures := make([]error, len(objects))
	concurrent.Each(ctx, len(objects), runtime.GOMAXPROCS(0), func(i int) {
		o := objects[i]
		if o.Body, failures[i] = json.Marshal(o.Manifest.Object); failures[i] != nil {
			failures[i] = fmt.Errorf("%s: %s: %w", o.Origin, o.ID(), failures[i])
		}
		if len(o.Generated) > 0 && failures[i] == nil {
			o.stable, failures[i] = stable(o)
		}
	})
	return cmp.Or(ctx.Err(), errors.Join(failures...))
}

// stable returns the manifest without generated values, followed by where they are.
func stable(o *Object) ([]byte, error) {
	less := o.Manifest.DeepCopy().Object
	generated.Cut(less, o.Generated)
	return json.Marshal([]any{less, o.Generated})
}

// claim takes out what is not the manifest's to say and makes the object a member of our ApplySet.
func claim(o *Object, id string) {
	u := o.Manifest
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
func claimHook(o *Object) { claim(o, "") }

// leaveScalingToHPAs takes spec.replicas out of every manifest that a HorizontalPodAutoscaler of the same app scales:
// the number is the autoscaler's, Git's would fight it on every pass.
func leaveScalingToHPAs(objects []*Object) {
	byKey := map[object.Key]*Object{}
	for _, o := range objects {
		byKey[o.Key()] = o
	}
	for _, o := range objects {
		if o.Group != "autoscaling" || o.Kind.Kind != "HorizontalPodAutoscaler" {
			continue
		}
		target, _, _ := unstructured.NestedStringMap(o.Manifest.Object, "spec", "scaleTargetRef")
		gv, err := schema.ParseGroupVersion(target["apiVersion"])
		if err != nil {
			continue
		}
		t := byKey[object.Key{Group: gv.Group, Kind: target["kind"], Namespace: o.Namespace, Name: target["name"]}]
		if t == nil {
			continue
		}
		unstructured.RemoveNestedField(t.Manifest.Object, "spec", "replicas")
		t.Released = append(t.Released, "/spec/replicas")
	}
}

// waiting is an object whose kind the cluster does not know, and that asks to wait for it.
func waiting(ro manifest.Object) *Object {
	gvk := ro.GroupVersionKind()
	return &Object{Ref: object.Ref{Kind: object.Kind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}, Name: ro.GetName()},
		Origin: ro.Origin, Manifest: ro.Unstructured.DeepCopy(), Policy: Policy{Patient: true}}
}

// Warnings returns the warnings about annotations of an object that mean nothing here.
func Warnings(o *Object) []manifest.Problem {
	var out []manifest.Problem
	for _, message := range Misunderstood(o.Manifest.GetAnnotations()) {
		out = append(out, manifest.Problem{Origin: o.Origin, Object: o.ID(), Message: message})
	}
	return out
}
