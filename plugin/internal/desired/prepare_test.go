package desired

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
)

func TestReplicasBelongToTheAutoscalerOfTheSameApp(t *testing.T) {
	tests := []struct {
		name, apiVersion, kind, target, namespace string
		wantReplicas                              bool
	}{
		{"its target", "apps/v1", "Deployment", "web", "shop", false},
		{"its target in an older version", "apps/v1beta1", "Deployment", "web", "shop", false},
		{"another Deployment", "apps/v1", "Deployment", "other", "shop", true},
		{"another kind of the same name", "apps/v1", "StatefulSet", "web", "shop", true},
		{"another group", "example.com/v1", "Deployment", "web", "shop", true},
		{"another namespace", "apps/v1", "Deployment", "web", "elsewhere", true},
		{"no version", "", "Deployment", "web", "shop", true},
		{"no sense", "a/b/c", "Deployment", "web", "shop", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			web, hpa := wantedObject("Deployment", "web"), wantedObject("HorizontalPodAutoscaler", "web")
			web.Manifest.Object["spec"] = map[string]any{"replicas": int64(3), "paused": false}
			hpa.Manifest.Object["spec"] = map[string]any{"scaleTargetRef": map[string]any{"apiVersion": test.apiVersion, "kind": test.kind, "name": test.target}}
			hpa.Namespace = test.namespace
			leaveScalingToHPAs([]*Object{hpa, web})
			if _, found, _ := unstructured.NestedInt64(web.Manifest.Object, "spec", "replicas"); found != test.wantReplicas {
				t.Errorf("replicas are sent: %t", found)
			}
			if (len(web.Released) == 0) != test.wantReplicas {
				t.Errorf("released: %v", web.Released)
			}
			if _, found, _ := unstructured.NestedBool(web.Manifest.Object, "spec", "paused"); !found {
				t.Error("more than replicas was taken out")
			}
		})
	}
}

func TestWorkloadsComeBeforeWhatLeadsToThem(t *testing.T) {
	var refs []cluster.Ref
	for _, ns := range []string{"b", "a"} {
		for _, kind := range []cluster.Kind{{Kind: "Ingress"}, {Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, {Kind: "Deployment"},
			{Group: "keda.sh", Kind: "ScaledObject"}, {Kind: "ConfigMap"}, {Kind: "ServiceAccount"}} {
			refs = append(refs, cluster.Ref{Kind: kind, Namespace: ns})
		}
	}
	slices.SortStableFunc(refs, Order)
	var got []string
	for _, r := range refs {
		got = append(got, r.Namespace+" "+r.Kind.Kind)
	}
	objecttest.Lines(t, got, "a ServiceAccount", "a ConfigMap", "a ScaledObject", "a Deployment", "a HorizontalPodAutoscaler",
		"b ServiceAccount", "b ConfigMap", "b ScaledObject", "b Deployment", "b HorizontalPodAutoscaler", "a Ingress", "b Ingress")
}

func TestPrepareMakesManifestsReady(t *testing.T) {
	text := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","uid":"u","resourceVersion":"1","generation":4,"creationTimestamp":"2026-01-01T00:00:00Z",
		"managedFields":[{}],"labels":{"a":"b"}},"status":{"x":1},"data":{"a":"b"}}`
	objects, err := prepareFor(t, app.App{Name: "shop", Namespace: "shop"}, objecttest.Rendered(t, text,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n","namespace":"nonsense"}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"own"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, string(o.Body))
	}
	const id = "set"
	objecttest.Lines(t, got,
		`{"apiVersion":"v1","data":{"a":"b"},"kind":"ConfigMap","metadata":{"labels":{"a":"b","applyset.kubernetes.io/part-of":"`+id+`"},"name":"x","namespace":"shop"}}`,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"labels":{"applyset.kubernetes.io/part-of":"`+id+`"},"name":"n"}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"labels":{"applyset.kubernetes.io/part-of":"`+id+`"},"name":"x","namespace":"own"}}`)
}

func TestPrepareTellsAllProblemsAtOnce(t *testing.T) {
	_, err := prepareFor(t, app.App{Name: "shop", Namespace: "shop"}, objecttest.Rendered(t,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"x-"}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"shop"}}`))
	if err == nil {
		t.Fatal("no error")
	}
	objecttest.Lines(t, strings.Split(err.Error(), "\n"),
		"app.yaml:2: v1/ConfigMap/x-: metadata.generateName cannot be applied: each run would create another object",
		"app.yaml:3: v1/ConfigMap/shop/x: is defined twice, first at app.yaml:1")
}

func wantedObject(kind, name string, annotations ...string) *Object {
	u := objecttest.Manifest(kind, name, annotations...)
	o := New(objecttest.Ref(kind, name), manifest.Object{Unstructured: u, Origin: manifest.Origin{File: "app.yaml", Line: 7}})
	o.Body, _ = json.Marshal(o.Manifest.Object)
	return o
}

// prepareFor prepares objects of the kinds of tests.
func prepareFor(t *testing.T, a app.App, rendered []manifest.Object) ([]*Object, error) {
	return Prepare(t.Context(), a, rendered, "set", Cluster{
		Kind: func(_ context.Context, gvk schema.GroupVersionKind, defined map[schema.GroupVersionKind]object.Kind) (object.Kind, error) {
			if k, is := objecttest.Kinds[gvk.Kind]; is && k.GVK() == gvk {
				return k, nil
			}
			if k, is := defined[gvk]; is {
				return k, nil
			}
			return object.Kind{}, &object.UnknownKindError{GVK: gvk}
		},
		Refused: func(context.Context, *Object) (manifest.Problems, error) { return nil, nil },
	})
}

func TestWhatGitSaysOfGeneratedValuesIsWhereTheyAre(t *testing.T) {
	stable := func(data string, generated ...string) string {
		rendered := objecttest.Rendered(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":`+data+`}`)
		rendered[0].Generated = generated
		objects, err := prepareFor(t, app.App{Name: "shop", Namespace: "shop"}, rendered)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(objects[0].Body), data) {
			t.Errorf("it sends %s", objects[0].Body)
		}
		return string(objects[0].Stable())
	}
	before := stable(`{"level":"info","password":"one"}`, "/data/password")
	for _, c := range []struct {
		name, now string
		same      bool
	}{
		{"another value", stable(`{"level":"info","password":"two"}`, "/data/password"), true},
		{"another value of Git", stable(`{"level":"debug","password":"one"}`, "/data/password"), false},
		{"one more", stable(`{"level":"info","password":"one","token":"one"}`, "/data/password", "/data/token"), false},
		{"one that is fixed now", stable(`{"level":"info","password":"one"}`), false},
	} {
		if (before == c.now) != c.same {
			t.Errorf("%s: %s, was %s", c.name, c.now, before)
		}
	}
}
