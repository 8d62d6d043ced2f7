package preview_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
)

var update = flag.Bool("update", false, "write the golden files")

func sum(apps []preview.App) preview.Preview {
	var p preview.Preview
	p.Sum(apps)
	return p
}

// rendering parses documents of YAML as the objects of an app.
func rendering(t testing.TB, name, text string) preview.Rendering {
	t.Helper()
	r := preview.Rendering{Name: name, Path: "apps/" + name, Present: true}
	for i, doc := range strings.Split(text, "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			t.Fatal(err)
		}
		if len(u.Object) > 0 {
			r.Objects = append(r.Objects, manifest.Object{Unstructured: u, Origin: manifest.Origin{File: "apps/" + name + "/all.yaml", Line: i + 1}})
		}
	}
	return r
}

func deployment(image string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    spec: {containers: [{name: web, image: "` + image + `"}, {name: log, image: "log:1"}]}
`
}

func TestImageOnly(t *testing.T) {
	base := deployment("ghcr.io/acme/web:1.0")
	for name, tt := range map[string]struct {
		base, head string
		want       bool
	}{
		"tag":                  {base, deployment("ghcr.io/acme/web:1.1"), true},
		"digest":               {base, deployment("ghcr.io/acme/web:1.0@sha256:abc"), true},
		"port of the registry": {deployment("reg:5000/web"), deployment("reg:5000/web:2"), true},
		"other repository":     {base, deployment("ghcr.io/evil/web:1.0"), false},
		"replicas too":         {base, strings.Replace(deployment("ghcr.io/acme/web:1.1"), "replicas: 2", "replicas: 3", 1), false},
		"two images":           {base, strings.Replace(deployment("ghcr.io/acme/web:1.1"), "log:1", "log:2", 1), true},
		"container added": {base, strings.Replace(deployment("ghcr.io/acme/web:1.1"), `{name: log, image: "log:1"}`,
			`{name: log, image: "log:1"}, {name: x, image: x}`, 1), false},
		"image removed":         {base, strings.Replace(base, `, image: "log:1"`, "", 1), false},
		"an object added":       {base, base + "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\n", false},
		"nothing":               {base, base, false},
		"a key of a ConfigMap":  {"kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\ndata: {image: 'a:1'}", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\ndata: {image: 'a:2'}", false},
		"of a custom resource":  {"kind: Rollout\napiVersion: x.io/v1\nmetadata: {name: c}\nspec: {image: 'a:1'}", "kind: Rollout\napiVersion: x.io/v1\nmetadata: {name: c}\nspec: {image: 'a:2'}", true},
		"an image in a command": {"kind: P\napiVersion: x.io/v1\nmetadata: {name: c}\nspec: {args: ['a:1']}", "kind: P\napiVersion: x.io/v1\nmetadata: {name: c}\nspec: {args: ['a:2']}", false},
	} {
		p := sum([]preview.App{
			preview.CompareApp(rendering(t, "shop", tt.base), rendering(t, "shop", tt.head), nil)})
		if p.ImageOnly != tt.want {
			t.Errorf("%s: image only %v", name, p.ImageOnly)
		}
	}
}

func TestImmutable(t *testing.T) {
	for name, tt := range map[string]struct{ base, head, want string }{
		"selector": {deployment("a"), strings.Replace(deployment("a"), "{app: web}", "{app: x}", 1), "spec.selector"},
		"template": {deployment("a"), deployment("b"), ""},
		"template of a Job": {"kind: Job\napiVersion: batch/v1\nmetadata: {name: j}\nspec: {template: {spec: {a: 1}}}",
			"kind: Job\napiVersion: batch/v1\nmetadata: {name: j}\nspec: {template: {spec: {a: 2}}}", "spec.template"},
		"StatefulSet": {"kind: StatefulSet\napiVersion: apps/v1\nmetadata: {name: s}\nspec: {replicas: 1, serviceName: a}",
			"kind: StatefulSet\napiVersion: apps/v1\nmetadata: {name: s}\nspec: {replicas: 2, serviceName: b, volumeClaimTemplates: []}", "spec.serviceName spec.volumeClaimTemplates"},
		"claim grows": {"kind: PersistentVolumeClaim\napiVersion: v1\nmetadata: {name: s}\nspec: {resources: {requests: {storage: 1Gi}}}",
			"kind: PersistentVolumeClaim\napiVersion: v1\nmetadata: {name: s}\nspec: {resources: {requests: {storage: 2Gi}}}", ""},
		"claim's class": {"kind: PersistentVolumeClaim\napiVersion: v1\nmetadata: {name: s}\nspec: {storageClassName: a}",
			"kind: PersistentVolumeClaim\napiVersion: v1\nmetadata: {name: s}\nspec: {storageClassName: b}", "spec.storageClassName"},
		"role": {"kind: RoleBinding\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: r}\nroleRef: {name: a}",
			"kind: RoleBinding\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: r}\nroleRef: {name: b}", "roleRef"},
		"immutable ConfigMap": {"kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\nimmutable: true\ndata: {a: b}",
			"kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\nimmutable: true\ndata: {a: c}", "data"},
		"address of a Service is dropped": {"kind: Service\napiVersion: v1\nmetadata: {name: s}\nspec: {clusterIP: 10.0.0.1}",
			"kind: Service\napiVersion: v1\nmetadata: {name: s}\nspec: {ports: []}", ""},
		"another group": {"kind: Deployment\napiVersion: x.io/v1\nmetadata: {name: d}\nspec: {selector: 1}",
			"kind: Deployment\napiVersion: x.io/v1\nmetadata: {name: d}\nspec: {selector: 2}", ""},
	} {
		a := preview.CompareApp(rendering(t, "shop", tt.base), rendering(t, "shop", tt.head), nil)
		if len(a.Objects) != 1 {
			t.Fatalf("%s: %+v", name, a)
		}
		if got := strings.Join(a.Objects[0].Immutable, " "); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: token, namespace: shop}\nstringData: {a: %s}\n"

// three is a preview of three apps that shows every kind of line.
func three(t testing.TB) preview.Preview {
	old := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: moved, namespace: shop}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: gone}\n---\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {kubectl-gitops.dev/prune: disabled}}\n---\n"
	return sum([]preview.App{
		preview.CompareApp(rendering(t, "shop", old+deployment("ghcr.io/acme/web:1.0")+"\n---\n"+fmt.Sprintf(secret, "canary-one")),
			rendering(t, "shop", strings.ReplaceAll(deployment("ghcr.io/acme/web:1.1"), "{app: web}", "{app: x}")+"\n---\n"+fmt.Sprintf(secret, "canary-two")), nil),
		preview.CompareApp(rendering(t, "same", deployment("a")), rendering(t, "same", deployment("a")), nil),
		preview.CompareApp(preview.Rendering{}, rendering(t, "new", old[:strings.Index(old, "\n---\n")]), nil),
		preview.CompareApp(rendering(t, "broken", deployment("a")), preview.Rendering{Name: "broken", Path: "apps/broken", Present: true,
			Err: errors.New("apps/broken/x.yaml:3: not a mapping")}, []string{"look at it"}),
	})
}

func TestMarkdownGolden(t *testing.T) {
	got := preview.Markdown(three(t), 0)
	golden := filepath.Join("testdata", "three.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(got, "canary") {
		t.Error("a secret is shown")
	}
	if again := preview.Markdown(three(t), 0); again != got {
		t.Error("the same input gave other bytes")
	}
}

func TestTheDocumentIsCapped(t *testing.T) {
	var apps []preview.App
	for i := range 100 {
		name := fmt.Sprintf("app-%d", i)
		head := rendering(t, name, deployment("a:1"))
		for j := range 20 {
			text := strings.Repeat(fmt.Sprintf("line %d\n", j), 100*(i%7))
			head.Objects = append(head.Objects, rendering(t, name, fmt.Sprintf("kind: ConfigMap\napiVersion: v1\nmetadata: {name: c%d}\ndata: {a: %q}", j, text)).Objects...)
		}
		apps = append(apps, preview.CompareApp(rendering(t, name, deployment("a:2")), head, nil))
	}
	p := sum(apps)
	for _, limit := range []int{1, 2000, 5000, 60_000, 1_000_000} {
		got := preview.Markdown(p, limit)
		if len(got) > max(limit, 2000) {
			t.Errorf("%d bytes of %d", len(got), limit)
		}
		if strings.Count(got, "<details>") != strings.Count(got, "</details>") || strings.Count(got, "\n```")%2 != 0 {
			t.Errorf("limit %d: unbalanced", limit)
		}
		if !strings.Contains(got, "Left out to keep this short") {
			t.Errorf("limit %d: does not say that something is left out", limit)
		}
	}
	if got := preview.Markdown(p, 0); strings.Contains(got, "Left out") || strings.Count(got, "<details>") != 100 {
		t.Error("without a limit something is left out")
	}
	q := p
	q.Limit(10_000)
	if q.Omitted == 0 {
		t.Error("nothing was omitted")
	}
}
