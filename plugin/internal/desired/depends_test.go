package desired

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
)

func TestObjectsFollowWhatTheyDependOn(t *testing.T) {
	web := wantedObject("Deployment", "web", DependsOn+"=/namespaces/shop/ConfigMap/a, apps/namespaces/shop/Deployment/db")
	db := wantedObject("Deployment", "db", DependsOn+"=/namespaces/shop/ConfigMap/late")
	late := wantedObject("ConfigMap", "late", Wave+"=3")
	role := wantedObject("ClusterRole", "reader", DependsOn+"=/namespaces/shop/ConfigMap/a")
	objects := []*Object{web, role, db, late, wantedObject("ConfigMap", "a")}
	if problems := orderByDependencies(objects); problems != nil {
		t.Fatal(problems)
	}
	slices.SortFunc(objects, func(a, b *Object) int { return a.Stage().Compare(b.Stage()) })
	var got []string
	for _, o := range objects {
		s := o.Stage()
		got = append(got, fmt.Sprintf("%d/%d/%d %s", s.Phase, s.Wave, s.Depth, o.Name))
	}
	objecttest.Lines(t, got, "3/0/0 a", "3/0/1 reader", "3/3/0 late", "3/3/1 db", "3/3/2 web")
	if web.Stage().Depth != 2 || db.Stage().Depth != 1 {
		t.Errorf("levels: web %d, db %d", web.Stage().Depth, db.Stage().Depth)
	}
}

func TestDependenciesThatCannotBeKeptAreRefused(t *testing.T) {
	for needs, want := range map[string]string{
		"/namespaces/shop/ConfigMap/none": "app.yaml:7: v1/ConfigMap/shop/a: annotation config.kubernetes.io/depends-on: ConfigMap/none in namespace shop is not in this app",
		"ConfigMap/b":                     `"ConfigMap/b" does not name an object`,
		"/namespaces/shop/ConfigMap/a":    "configmap/a needs configmap/a",
		"/namespaces/shop/ConfigMap/b":    "configmap/a needs configmap/b needs configmap/a",
	} {
		problems := orderByDependencies([]*Object{wantedObject("ConfigMap", "a", DependsOn+"="+needs),
			wantedObject("ConfigMap", "b", DependsOn+"=/namespaces/shop/ConfigMap/a")})
		if len(problems) == 0 || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: got %v, want %s", needs, problems, want)
		}
	}
}
