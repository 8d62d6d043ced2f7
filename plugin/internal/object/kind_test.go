package object

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

var (
	deployments = Kind{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments", Namespaced: true}
	namespaces  = Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}
	lamps       = Kind{Group: "example.com", Version: "v1", Kind: "Lamp", Resource: "lamps", Namespaced: true}
)

func TestNamesAndPaths(t *testing.T) {
	for _, test := range []struct {
		ref                     Ref
		short, spread, id, path string
	}{
		{Ref{deployments, "shop", "web"}, "deployment.apps/web", "deployment.apps/web -n shop", "apps/Deployment/shop/web", "/apis/apps/v1/namespaces/shop/deployments/web/status"},
		{Ref{namespaces, "", "shop"}, "namespace/shop", "namespace/shop", "v1/Namespace/shop", "/api/v1/namespaces/shop/status"},
		{Ref{lamps, "shop", "one"}, "lamp.example.com/one", "lamp.example.com/one -n shop", "example.com/Lamp/shop/one", "/apis/example.com/v1/namespaces/shop/lamps/one/status"},
	} {
		path, err := test.ref.Path("status")
		if got := []string{test.ref.String(), ShortIn(test.ref, true), test.ref.ID(), path}; err != nil || fmt.Sprint(got) != fmt.Sprint([]string{test.short, test.spread, test.id, test.path}) {
			t.Errorf("got %v, %v", got, err)
		}
		if ShortIn(test.ref, false) != test.short {
			t.Errorf("got %s", ShortIn(test.ref, false))
		}
	}
	if _, err := (Ref{deployments, "shop", ""}).Path(); err == nil {
		t.Error("an object without a name has a path")
	}
	if _, err := (Ref{Kind{Version: "v1", Resource: "../secrets"}, "", "x"}).Path(); err == nil {
		t.Error("a resource leads elsewhere")
	}
	if !(Kind{Version: "v1", Kind: "Secret"}).IsSecret() || lamps.IsSecret() || (Kind{Group: "example.com", Kind: "Secret"}).IsSecret() {
		t.Error("Secrets are those of Kubernetes")
	}
}

func TestRefsOfRecordsAreChecked(t *testing.T) {
	for _, test := range []struct {
		ref  Ref
		want string
	}{
		{Ref{deployments, "shop", "web"}, ""},
		{Ref{namespaces, "", "shop"}, ""},
		{Ref{lamps, "shop", "one"}, ""},
		{Ref{Kind{Group: "example.com", Version: "v1", Kind: "Lamp", Resource: "lamps"}, "", "a:b"}, ""},
		{Ref{deployments, "", "web"}, "is namespaced, and no namespace is given"},
		{Ref{namespaces, "shop", "x"}, "is cluster-scoped"},
		{Ref{deployments, "Shop!", "web"}, "namespace"},
		{Ref{deployments, "shop", "../web"}, "name"},
		{Ref{Kind{Version: "v1", Kind: "Secret", Resource: "configmaps", Namespaced: true}, "shop", "x"}, "is not how Kubernetes serves Secret"},
		{Ref{Kind{Group: "example.com", Version: "v1", Kind: "Lamp", Resource: "lamps/status", Namespaced: true}, "shop", "x"}, "is not the plural of a kind"},
		{Ref{Kind{Group: "example.com", Version: "V1", Kind: "Lamp", Resource: "lamps", Namespaced: true}, "shop", "x"}, "is not a version"},
		{Ref{Kind{Group: "exa mple", Version: "v1", Kind: "Lamp", Resource: "lamps", Namespaced: true}, "shop", "x"}, "is not an API group"},
		{Ref{Kind{Group: "example.com", Version: "v1", Kind: "La\u202emp", Resource: "lamps", Namespaced: true}, "shop", "x"}, "is not valid"},
	} {
		err := test.ref.Check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.ref, err, test.want)
		}
		if err != nil && strings.ContainsRune(err.Error(), '\u202e') {
			t.Errorf("%q turns the direction of text", err)
		}
	}
}

func TestWhatADefinitionDefines(t *testing.T) {
	const lamp = `{"metadata":{"name":"lamps.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Lamp","plural":"lamps"},
		"versions":[{"name":"v1","served":true},{"name":"v2","served":false}]}}`
	for _, test := range []struct{ name, edit, to, want string }{
		{"one that is served", "", "", "[lamps]"},
		{"cluster-scoped", "Namespaced", "Cluster", "[lamps]"},
		{"no scope that there is", "Namespaced", "Moon", "[]"},
		{"of Kubernetes' own group", `"group":"example.com"`, `"group":"apps"`, "the group"},
		{"a group without a dot", `"group":"example.com"`, `"group":"example"`, "needs a dot"},
		{"another name", `"lamps.example.com"`, `"bulbs.example.com"`, "its name is not"},
		{"a version that is none", `"v1"`, `"V1"`, "is not a version"},
	} {
		var crd map[string]any
		if err := json.Unmarshal([]byte(strings.Replace(lamp, test.edit, test.to, 1)), &crd); err != nil {
			t.Fatal(err)
		}
		kinds, err := Defined(crd)
		got := []string{}
		for _, k := range kinds {
			got = append(got, k.Resource)
		}
		text := fmt.Sprint(got)
		if err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, test.want) {
			t.Errorf("%s: got %s, want %s", test.name, text, test.want)
		}
	}
	if !IsDefinition("apiextensions.k8s.io", "CustomResourceDefinition") || IsDefinition("example.com", "CustomResourceDefinition") || !Is("apps/v1", "Deployment", "apps", "Deployment") ||
		Is("/v1", "Secret", "", "Secret") {
		t.Error("kinds are told by group and kind")
	}
}

func TestSpread(t *testing.T) {
	for text, want := range map[string]bool{"": false, "a": false, "a a": false, "a  a": false, "a b": true, " a b": true} {
		var s Spread
		for ns := range strings.SplitSeq(text, " ") {
			s.See(ns)
		}
		if s.Many() != want {
			t.Errorf("%q: %t", text, s.Many())
		}
	}
}
