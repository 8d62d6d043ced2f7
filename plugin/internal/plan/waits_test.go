package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

func TestWhatAnAppWaitsFor(t *testing.T) {
	own := []object.Key{
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
		{Group: "apps", Kind: "Deployment", Namespace: "other", Name: "web"},
		{Kind: "Namespace", Name: "shop"},
	}
	list := func(objects ...app.WaitFor) app.App {
		return app.App{Namespace: "shop", Treatment: app.Treatment{Wait: &app.Wait{Objects: objects}}}
	}
	for _, c := range []struct {
		name string
		app  app.App
		want string
	}{
		{"all its objects", app.App{}, "apps/Deployment/shop/web apps/Deployment/other/web /Namespace//shop;"},
		{"nothing", list(), ";"},
		{"an object of its own", list(app.WaitFor{Group: "apps", Kind: "Deployment", Name: "web"}), "apps/Deployment/shop/web;"},
		{"an object of its own in another namespace", list(app.WaitFor{Group: "apps", Kind: "Deployment", Namespace: "other", Name: "web"}), "apps/Deployment/other/web;"},
		{"without its group", list(app.WaitFor{Kind: "Deployment", Name: "web"}), "apps/Deployment/shop/web;"},
		{"without a namespace", list(app.WaitFor{Kind: "Namespace", Name: "shop"}), "/Namespace//shop;"},
		{"twice", list(app.WaitFor{Kind: "Deployment", Name: "web"}, app.WaitFor{Group: "apps", Kind: "Deployment", Name: "web"}), "apps/Deployment/shop/web;"},
		{"an object of another group", list(app.WaitFor{Group: "example.com", Kind: "Deployment", Name: "web"}), "; example.com/Deployment/shop/web"},
		{"an object elsewhere", list(app.WaitFor{Kind: "Service", Namespace: "db", Name: "db"}), "; /Service/db/db"},
		{"an app without namespace", app.App{Treatment: app.Treatment{Wait: &app.Wait{Objects: []app.WaitFor{{Kind: "Service", Name: "db"}}}}}, "; /Service/default/db"},
	} {
		keys, elsewhere := Waits(c.app, own)
		var texts []string
		for _, k := range keys {
			texts = append(texts, fmt.Sprintf("%s/%s/%s/%s", k.Group, k.Kind, k.Namespace, k.Name))
		}
		got := strings.Join(texts, " ") + ";"
		for _, w := range elsewhere {
			got += fmt.Sprintf(" %s/%s/%s/%s", w.Group, w.Kind, w.Namespace, w.Name)
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestHealthCountsUnderTheSameWait(t *testing.T) {
	db := &app.Wait{Objects: []app.WaitFor{{Kind: "Service", Name: "db"}}}
	for _, c := range []struct {
		a, b *app.Wait
		same bool
	}{{nil, nil, true}, {nil, &app.Wait{}, false}, {&app.Wait{}, nil, false}, {db, &app.Wait{Objects: []app.WaitFor{{Kind: "Service", Name: "db"}}}, true}, {db, &app.Wait{}, false}} {
		if same := SameWaits(app.App{Treatment: app.Treatment{Wait: c.a}}, app.App{Treatment: app.Treatment{Wait: c.b}}); same != c.same {
			t.Errorf("%v and %v: %t", c.a, c.b, same)
		}
	}
}
