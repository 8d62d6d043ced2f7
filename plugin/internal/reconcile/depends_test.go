package reconcile

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
)

func TestObjectsFollowWhatTheyDependOn(t *testing.T) {
	web := wanted("Deployment", "web", desired.DependsOn+"=/namespaces/shop/ConfigMap/a, apps/namespaces/shop/Deployment/db")
	db := wanted("Deployment", "db", desired.DependsOn+"=/namespaces/shop/ConfigMap/late")
	late := wanted("ConfigMap", "late", desired.Wave+"=3")
	role := wanted("ClusterRole", "reader", desired.DependsOn+"=/namespaces/shop/ConfigMap/a")
	objects := []*object{web, role, db, late, wanted("ConfigMap", "a")}
	if problems := orderByDependencies(objects); problems != nil {
		t.Fatal(problems)
	}
	checkLines(t, newScene().plan(objects...).lines(),
		"apply 3/0 configmap/a git",
		"apply 3/0 clusterrole.rbac.authorization.k8s.io/reader git",
		"apply 3/3 configmap/late git",
		"apply 3/3 deployment.apps/db git",
		"apply 3/3 deployment.apps/web git")
	if web.stage().depth != 2 || db.stage().depth != 1 {
		t.Errorf("levels: web %d, db %d", web.stage().depth, db.stage().depth)
	}
}

func TestObjectsArePrunedBeforeWhatTheyDependOn(t *testing.T) {
	s := newScene().applied(wanted("ConfigMap", "a"), live.InSync).
		applied(wanted("ConfigMap", "b", desired.DependsOn+"=/namespaces/shop/Deployment/none"), live.InSync).
		applied(wanted("ConfigMap", "z", desired.DependsOn+"=/namespaces/shop/ConfigMap/a"), live.InSync)
	lines := s.plan().lines()
	if z, a := strings.Index(strings.Join(lines, " "), "configmap/z"), strings.Index(strings.Join(lines, " "), "configmap/a"); z > a {
		t.Errorf("got %v", lines)
	}
}

func TestDependenciesThatCannotBeKeptAreRefused(t *testing.T) {
	for needs, want := range map[string]string{
		"/namespaces/shop/ConfigMap/none": "app.yaml:7: v1/ConfigMap/shop/a: annotation config.kubernetes.io/depends-on: ConfigMap/none in namespace shop is not in this app",
		"ConfigMap/b":                     `"ConfigMap/b" does not name an object`,
		"/namespaces/shop/ConfigMap/a":    "configmap/a needs configmap/a",
		"/namespaces/shop/ConfigMap/b":    "configmap/a needs configmap/b needs configmap/a",
	} {
		problems := orderByDependencies([]*object{wanted("ConfigMap", "a", desired.DependsOn+"="+needs),
			wanted("ConfigMap", "b", desired.DependsOn+"=/namespaces/shop/ConfigMap/a")})
		if len(problems) == 0 || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: got %v, want %s", needs, problems, want)
		}
	}
}
