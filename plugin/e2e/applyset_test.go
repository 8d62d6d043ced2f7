package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/kubectl/pkg/cmd/apply"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// TestKubectlReadsOurApplySet asks kubectl's own code, the reference for the ApplySet convention, what it makes of an
// app's parent: it must accept it and find exactly the members, in every namespace and at cluster scope.
func TestKubectlReadsOurApplySet(t *testing.T) {
	s, id := applySetSite(t)
	ctx := context.Background()
	parent := parentRef(t, s, "gitops-app")

	set := apply.NewApplySet(parent, apply.ApplySetTooling{Name: "kubectl-gitops", Version: "v1"}, s.mapper(t), coreClient(t))
	if set.ID() != id {
		t.Errorf("kubectl computes the id %s, the parent carries %s", set.ID(), id)
	}
	if err := set.Validate(ctx, s.client); err != nil {
		t.Errorf("kubectl does not accept the parent: %v", err)
	}
	if err := set.BeforeApply(nil, cmdutil.DryRunServer, metav1.FieldValidationStrict); err != nil {
		t.Fatalf("kubectl does not accept the parent: %v", err)
	}
	found, err := set.FindAllObjectsToPrune(ctx, s.client, nil)
	if err != nil {
		t.Fatal(err)
	}
	var members []string
	uids := sets.New[types.UID]()
	for _, o := range found {
		u := o.Object.(*unstructured.Unstructured)
		members = append(members, u.GetKind()+"/"+u.GetNamespace()+"/"+u.GetName())
		uids.Insert(u.GetUID())
	}
	slices.Sort(members)
	want := []string{"ClusterRole//" + s.ns, "ConfigMap/" + s.ns + "-two/here", "ConfigMap/" + s.ns + "/here",
		"Deployment/" + s.ns + "/web", "Namespace//" + s.ns + "-two"}
	if !slices.Equal(members, want) {
		t.Errorf("kubectl finds the members %v, want %v", members, want)
	}
	if rest, err := set.FindAllObjectsToPrune(ctx, s.client, uids); err != nil || len(rest) > 0 {
		t.Errorf("with all members applied, kubectl would still prune %v (%v)", rest, err)
	}

	other := apply.NewApplySet(parent, apply.ApplySetTooling{Name: "kubectl", Version: "v1"}, s.mapper(t), coreClient(t))
	if err := other.BeforeApply(nil, cmdutil.DryRunServer, metav1.FieldValidationStrict); err == nil || !strings.Contains(err.Error(), "kubectl-gitops") {
		t.Errorf("another tool must be told that the parent is ours, got: %v", err)
	}
}

// TestKubectlApplyRefusesOurParent runs the real command: it keeps its hands off our set, because the tooling annotation
// names another tool. On a copy of the parent that says it is kubectl's, it sees the members of that copy.
func TestKubectlApplyRefusesOurParent(t *testing.T) {
	s, _ := applySetSite(t)
	ctx := context.Background()
	s.env = append(s.env, "KUBECTL_APPLYSET=true")
	args := []string{"apply", "--server-side", "-f", s.repo + "/extra.yaml", "--prune", "--dry-run=server", "-n", s.instance}
	writeFile(t, s.repo+"/extra.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: extra}}\n")

	out, err := kubectl(s, append(args, "--applyset=configmap/gitops-app")...)
	if err == nil || !strings.Contains(out, `is managed by tooling "kubectl-gitops" instead of "kubectl"`) {
		t.Errorf("kubectl apply must refuse our parent, but: %v\n%s", err, out)
	}

	parents := s.client.Resource(s.resources()["ConfigMap"]).Namespace(s.instance)
	ours, err := parents.Get(ctx, "gitops-app", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	copied := ours.DeepCopy()
	copied.Object["metadata"] = map[string]any{"name": "copied"}
	id := apply.NewApplySet(parentRef(t, s, "copied"), apply.ApplySetTooling{}, nil, nil).ID()
	annotations := ours.GetAnnotations()
	annotations[apply.ApplySetToolingAnnotation] = "kubectl/v1"
	copied.SetAnnotations(annotations)
	copied.SetLabels(map[string]string{apply.ApplySetParentIDLabel: id})
	if _, err := parents.Create(ctx, copied, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	member := []byte(fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, labelPartOf, id))
	for _, kind := range []string{"ConfigMap", "Deployment"} {
		name := map[string]string{"ConfigMap": "here", "Deployment": "web"}[kind]
		if _, err := s.kind(kind).Patch(ctx, name, types.MergePatchType, member, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	out, err = kubectl(s, append(args, "--applyset=configmap/copied")...)
	if err != nil || !strings.Contains(out, "configmap/here pruned") || !strings.Contains(out, "deployment.apps/web pruned") {
		t.Errorf("kubectl apply must find the members of a set with our hints, but: %v\n%s", err, out)
	}
	if err := s.succeed("after somebody took the labels"); err == nil {
		t.Error("objects that joined another ApplySet were taken back")
	}
}

// applySetSite has an app with members in two namespaces and at cluster scope.
func applySetSite(t *testing.T) (*site, string) {
	t.Helper()
	s, err := newSite(t, "applyset")
	if err != nil {
		t.Fatal(err)
	}
	here := "{apiVersion: v1, kind: ConfigMap, metadata: {name: here, namespace: %s}, data: {a: b}}"
	err = s.commit("members everywhere", fmt.Sprintf(here, s.ns), fmt.Sprintf(here, s.ns+"-two"),
		fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s-two}}", s.ns),
		fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: %s}, rules: []}", s.ns),
		`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.succeed("the first run"); err != nil {
		t.Fatal(err)
	}
	id, err := s.id(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		roles := schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
		_ = s.client.Resource(roles).Delete(context.Background(), s.ns, metav1.DeleteOptions{})
	})
	return s, id
}

func (s *site) mapper(t *testing.T) meta.RESTMapper {
	t.Helper()
	dc, err := discovery.NewDiscoveryClientForConfig(shared.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(dc)
	if err != nil {
		t.Fatal(err)
	}
	return restmapper.NewDiscoveryRESTMapper(groups)
}

func parentRef(t *testing.T, s *site, name string) *apply.ApplySetParentRef {
	t.Helper()
	ref, err := apply.ParseApplySetParentRef("configmap/"+name, s.mapper(t))
	if err != nil {
		t.Fatal(err)
	}
	ref.Namespace = s.instance
	return ref
}

func coreClient(t *testing.T) resource.RESTClient {
	t.Helper()
	config := withCodec(rest.CopyConfig(shared.cluster.RESTConfig()))
	config.APIPath = "/api"
	client, err := rest.RESTClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// withCodec makes config usable for a client of the core group, or of none.
func withCodec(config *rest.Config) *rest.Config {
	config.GroupVersion = &schema.GroupVersion{Version: "v1"}
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return config
}
