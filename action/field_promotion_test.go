package action

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

const promotionHead = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\nenvironments:\n"

// monorepo is a repository whose apps lie in one layout; at is the file of an app in an environment.
func monorepo(t *testing.T, environments string, files map[string]string) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	hub := githubtest.New(t)
	all := map[string]string{promotion.FilePath: promotionHead + environments, "README.md": "x\n"}
	for name, data := range files {
		all[name] = data
	}
	return hub, hub.AddRepo("acme/config", all, githubtest.RepoOptions{AutoMerge: true})
}

func imagesOf(tags ...string) string {
	var b strings.Builder
	b.WriteString("resources: [../../base]\nimages:\n")
	for i := 0; i+1 < len(tags); i += 2 {
		fmt.Fprintf(&b, "- name: ghcr.io/acme/%s\n  newTag: %q\n", tags[i], tags[i+1])
	}
	return b.String()
}

func valuesOf(name, tag string) string {
	return fmt.Sprintf("replicas: 2\nimage:\n  repository: ghcr.io/acme/%s\n  tag: %q # kept\n", name, tag)
}

// TestFieldLayouts promotes through the layouts that monorepos have.
func TestFieldLayouts(t *testing.T) {
	cases := []struct {
		name, environments string
		files              map[string]string
		want               map[string]string // the files of the pull request that differ from main
		title              string
		said               []string
	}{
		{
			"M8 apps/*/overlays/ENV", "- {name: staging, path: apps/*/overlays/staging}\n- {name: prod, path: apps/*/overlays/prod}\n",
			map[string]string{
				"apps/cart/base/deployment.yaml":                 "spec: {containers: [{image: \"ghcr.io/acme/cart\"}]}\n",
				"apps/cart/overlays/staging/kustomization.yaml":  imagesOf("cart", "1.9.0", "sidecar", "2.0"),
				"apps/cart/overlays/prod/kustomization.yaml":     imagesOf("cart", "1.8.0", "sidecar", "1.0"),
				"apps/search/overlays/staging/kustomization.yml": imagesOf("search", "5.0", "sidecar", "3.0"),
				"apps/search/overlays/prod/kustomization.yaml":   imagesOf("search", "5.0", "sidecar", "3.0"),
				"apps/new/overlays/staging/kustomization.yaml":   imagesOf("new", "0.1"),
				"apps/old/overlays/prod/kustomization.yaml":      imagesOf("old", "9"),
				"apps/cart/overlays/dev/kustomization.yaml":      imagesOf("cart", "2.0.0"),
			},
			map[string]string{"apps/cart/overlays/prod/kustomization.yaml": imagesOf("cart", "1.9.0", "sidecar", "2.0")},
			"Promote to prod: cart 1.8.0 → 1.9.0, sidecar 1.0 → 2.0",
			[]string{"there is no apps/new/overlays/prod", "there is no apps/old/overlays/staging"},
		},
		{
			"M8 envs/ENV/*/values.yaml", "- {name: staging, path: envs/staging/*/values.yaml}\n- {name: prod, path: envs/prod/*/values.yaml}\n",
			map[string]string{
				"envs/staging/cart/values.yaml": valuesOf("cart", "1.9.0"), "envs/prod/cart/values.yaml": valuesOf("cart", "1.8.0"),
				"envs/staging/web/values.yaml": valuesOf("web", "3.1"), "envs/prod/web/values.yaml": valuesOf("web", "3.0"),
				"envs/staging/web/other.yaml": "image: ghcr.io/acme/other:2\n", "envs/prod/web/other.yaml": "image: ghcr.io/acme/other:1\n",
			},
			map[string]string{"envs/prod/cart/values.yaml": valuesOf("cart", "1.9.0"), "envs/prod/web/values.yaml": valuesOf("web", "3.1")},
			"Promote to prod: cart 1.8.0 → 1.9.0, web 3.0 → 3.1", nil,
		},
		{
			"M8 a file for each environment", "- {name: staging, path: charts/*/values-staging.yaml}\n- {name: prod, path: charts/*/values-prod.yaml}\n",
			map[string]string{
				"charts/cart/values.yaml": valuesOf("cart", "0.0.1"), "charts/cart/values-staging.yaml": valuesOf("cart", "1.9.0"), "charts/cart/values-prod.yaml": valuesOf("cart", "1.8.0"),
				"charts/web/values-staging.yaml": valuesOf("web", "3.0"), "charts/web/values-prod.yaml": valuesOf("web", "3.0"),
				"charts/cart/templates/x.yaml": "image: {{ .Values.image }}\n",
			},
			map[string]string{"charts/cart/values-prod.yaml": valuesOf("cart", "1.9.0")},
			"Promote to prod: cart 1.8.0 → 1.9.0", nil,
		},
		{
			"M8 the name in values.yaml, the tag in a file for each environment", "- {name: staging, path: charts/*/values-staging.yaml}\n- {name: prod, path: charts/*/values-prod.yaml}\n",
			map[string]string{
				"charts/cart/values.yaml": "image: {repository: ghcr.io/acme/cart, tag: 0.0.1}\n", "charts/cart/values-staging.yaml": "image: {tag: 1.9.0}\n", "charts/cart/values-prod.yaml": "image: {tag: 1.8.0} # kept\n",
				"charts/web/values.yaml": "image: {repository: ghcr.io/acme/web, tag: null}\n", "charts/web/values-staging.yaml": "image: {tag: \"12\"}\n", "charts/web/values-prod.yaml": "image: {tag: \"11\"}\n",
			},
			map[string]string{"charts/cart/values-prod.yaml": "image: {tag: 1.9.0} # kept\n", "charts/web/values-prod.yaml": "image: {tag: \"12\"}\n"},
			"Promote to prod: cart 1.8.0 → 1.9.0, web 11 → 12", nil,
		},
		{
			"M8 the name in a base, the tag below each environment", "- {name: staging, path: apps/*/overlays/staging}\n- {name: prod, path: apps/*/overlays/prod}\n",
			map[string]string{
				"apps/cart/base/values.yaml": "image: {repository: ghcr.io/acme/cart}\n", "apps/cart/overlays/staging/values.yaml": "image: {tag: 1.9.0}\n", "apps/cart/overlays/prod/values.yaml": "image: {tag: 1.8.0}\n",
			},
			map[string]string{"apps/cart/overlays/prod/values.yaml": "image: {tag: 1.9.0}\n"},
			"Promote to prod: cart 1.8.0 → 1.9.0", nil,
		},
		{
			"M8 the default is newer than what prod has", "- {name: staging, path: values-staging.yaml}\n- {name: prod, path: values-prod.yaml}\n",
			map[string]string{"values.yaml": "image: {repository: ghcr.io/acme/cart, tag: 9.9.9}\n", "values-staging.yaml": "image: {tag: 1.9.0}\n", "values-prod.yaml": "image: {tag: 1.8.0}\n"},
			map[string]string{"values-prod.yaml": "image: {tag: 1.9.0}\n"},
			"Promote to prod: cart 1.8.0 → 1.9.0", nil,
		},
		{
			"M8 one file for each environment", "- {name: staging, path: values-staging.yaml}\n- {name: prod, path: values-prod.yaml, also: [\".:flags.checkout\"]}\n",
			map[string]string{
				"values.yaml": valuesOf("cart", "9.9.9"), "values-staging.yaml": valuesOf("cart", "1.9.0") + "flags: {checkout: new, debug: on}\n",
				"values-prod.yaml": valuesOf("cart", "1.8.0") + "flags: {checkout: old, debug: off}\n",
			},
			map[string]string{"values-prod.yaml": valuesOf("cart", "1.9.0") + "flags: {checkout: new, debug: off}\n"},
			"Promote to prod: cart 1.8.0 → 1.9.0, flags.checkout old → new", []string{"flags.debug"},
		},
		{
			"M8 one source, many targets", "- {name: staging, path: clusters/staging}\n- {name: prod, path: clusters/prod-*}\n",
			map[string]string{
				"clusters/staging/app.yaml": "image: ghcr.io/acme/cart:1.9.0\n", "clusters/prod-eu/app.yaml": "image: ghcr.io/acme/cart:1.8.0\n",
				"clusters/prod-us/app.yaml": "image: ghcr.io/acme/cart:1.7.0\n", "clusters/prod-jp/app.yaml": "image: ghcr.io/acme/cart:2.0.0\n",
			},
			map[string]string{"clusters/prod-eu/app.yaml": "image: ghcr.io/acme/cart:1.9.0\n", "clusters/prod-us/app.yaml": "image: ghcr.io/acme/cart:1.9.0\n"},
			"Promote to prod: cart 1.8.0, 1.7.0 → 1.9.0", []string{"1.9.0 is older than 2.0.0"},
		},
		{
			"M8 any depth", "- {name: staging, path: \"teams/**/staging\"}\n- {name: prod, path: \"teams/**/prod\"}\n",
			map[string]string{
				"teams/a/shop/staging/app.yaml": "image: ghcr.io/acme/cart:1.9.0\n", "teams/a/shop/prod/app.yaml": "image: ghcr.io/acme/cart:1.8.0\n",
				"teams/b/staging/deep/app.yaml": "image: ghcr.io/acme/web:2\n", "teams/b/prod/deep/app.yaml": "image: ghcr.io/acme/web:1\n",
			},
			map[string]string{"teams/a/shop/prod/app.yaml": "image: ghcr.io/acme/cart:1.9.0\n", "teams/b/prod/deep/app.yaml": "image: ghcr.io/acme/web:2\n"},
			"Promote to prod: cart 1.8.0 → 1.9.0, web 1 → 2", nil,
		},
		{
			"M8 overlays, values and plain directories in one repository",
			"- {name: staging, paths: [apps/*/overlays/staging, charts/*/values-staging.yaml, clusters/staging]}\n- {name: prod, paths: [apps/*/overlays/prod, charts/*/values-prod.yaml, clusters/prod]}\n",
			map[string]string{
				"apps/cart/overlays/staging/kustomization.yaml": imagesOf("cart", "1.9.0"), "apps/cart/overlays/prod/kustomization.yaml": imagesOf("cart", "1.8.0"),
				"charts/web/values.yaml": "image: {repository: ghcr.io/acme/web}\n", "charts/web/values-staging.yaml": "image: {tag: v2}\n", "charts/web/values-prod.yaml": "image: {tag: v1}\n",
				"clusters/staging/db/job.yaml": "image: ghcr.io/acme/migrate:7\n", "clusters/prod/db/job.yaml": "image: ghcr.io/acme/migrate:6\n", "clusters/prod/gitops.yaml": "apps: []\n",
			},
			map[string]string{"apps/cart/overlays/prod/kustomization.yaml": imagesOf("cart", "1.9.0"), "charts/web/values-prod.yaml": "image: {tag: v2}\n", "clusters/prod/db/job.yaml": "image: ghcr.io/acme/migrate:7\n"},
			"Promote to prod: cart 1.8.0 → 1.9.0, web v1 → v2, migrate 6 → 7", nil,
		},
		{
			"M8 also, in the parts that have it", "- {name: staging, path: apps/*/staging}\n- {name: prod, path: apps/*/prod, also: [\"values.yaml:checkout\"]}\n",
			map[string]string{
				"apps/cart/staging/values.yaml": "checkout: new\n", "apps/cart/prod/values.yaml": "checkout: old\n",
				"apps/web/staging/app.yaml": "image: ghcr.io/acme/web:2\n", "apps/web/prod/app.yaml": "image: ghcr.io/acme/web:1\n",
			},
			map[string]string{"apps/cart/prod/values.yaml": "checkout: new\n", "apps/web/prod/app.yaml": "image: ghcr.io/acme/web:2\n"},
			"Promote to prod: checkout old → new, web 1 → 2", nil,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := monorepo(t, c.environments, c.files)
			got := runStep(t, hub, toProd()).mustSucceed(t)
			if len(repo.Open()) != 1 {
				t.Fatalf("no pull request:\n%s", got.stdout)
			}
			p := repo.Open()[0]
			changed := map[string]string{}
			for name, f := range repo.Files(p.Head) {
				if f.Data != repo.Read("main", name) {
					changed[name] = f.Data
				}
			}
			if fmt.Sprint(changed) != fmt.Sprint(c.want) {
				t.Errorf("changed:\n%v\nwant:\n%v", changed, c.want)
			}
			if p.Title != c.title {
				t.Errorf("title %q, want %q", p.Title, c.title)
			}
			for _, s := range c.said {
				if !strings.Contains(p.Body+got.stdout, s) && !strings.Contains(p.Body, display.Plain(s)) {
					t.Errorf("no %q in:\n%s\n%s", s, got.stdout, p.Body)
				}
			}
			hub.ResetRequests()
			runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"changed": "false", "pr-operation": "unchanged"})
			if w := hub.Writes(); len(w) > 0 {
				t.Errorf("again it wrote %v", w)
			}
			if n := len(hub.Requests()); n != 4 {
				t.Errorf("again it took %d requests: %v", n, hub.Requests())
			}
			repo.Squash(1)
			runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"changed": "false", "pr-operation": "none"})
		})
	}
}

// TestFieldLayoutErrors: what cannot be paired is an error with the line of promotion.yaml.
func TestFieldLayoutErrors(t *testing.T) {
	app := func(paths ...string) map[string]string {
		out := map[string]string{}
		for i, p := range paths {
			out[p+"/app.yaml"] = fmt.Sprintf("image: ghcr.io/acme/cart:1.%d\n", i)
		}
		return out
	}
	cases := []struct {
		name, environments string
		files              map[string]string
		want               string
	}{
		{"M8 nothing in the source", "- {name: staging, path: apps/*/stage}\n- {name: prod, path: apps/*/prod}\n", app("apps/a/staging", "apps/a/prod"), "promotion.yaml:4: staging: path: there is no YAML in apps/*/stage"},
		{"M8 nothing in the target", "- {name: staging, path: apps/*/staging}\n- {name: prod, path: apps/*/production}\n", app("apps/a/staging", "apps/a/prod"), "promotion.yaml:5: prod: path: there is no YAML in apps/*/production"},
		{"M8 nothing corresponds", "- {name: staging, path: apps/*/staging}\n- {name: prod, path: apps/*/prod}\n", app("apps/a/staging", "apps/b/prod"), "promotion.yaml:5: prod: nothing in apps/*/prod corresponds to anything in apps/*/staging (of staging): for apps/a/staging there is no apps/a/prod"},
		{"M8 more wildcards", "- {name: staging, path: apps/*/staging}\n- {name: prod, path: \"*/*/prod\"}\n", app("apps/a/staging", "apps/a/prod"), "promotion.yaml:5: prod: path: */*/prod has 2 wildcards, but apps/*/staging (of staging) has 1 wildcard"},
		{"M8 many sources, one target", "- {name: staging, path: apps/*/staging}\n- {name: prod, path: apps/prod}\n", app("apps/a/staging", "apps/prod"), "promotion.yaml:5: prod: path: apps/prod has 0 wildcards"},
		{"M8 a file of both", "- {name: staging, path: apps/*/*}\n- {name: prod, path: \"apps/**/p*\"}\n", app("apps/a/staging", "apps/a/prod"), "promotion.yaml:5: prod: apps/a/prod/app.yaml is in apps/**/p* and in apps/*/* (of staging)"},
		{"M8 also that no part has", "- {name: staging, path: apps/*/staging}\n- {name: prod, path: apps/*/prod, also: [\"values.yaml:x\"]}\n", app("apps/a/staging", "apps/a/prod"), "also values.yaml:x: there is no file apps/a/staging/values.yaml"},
		{"M8 another number of paths", "- {name: staging, paths: [a, b]}\n- {name: prod, path: c}\n", app("a", "b", "c"), "promotion.yaml:5: prod: path: 1 path, but staging has 2 paths"},
		{"M8 wildcards of the second path", "- {name: staging, paths: [a, b/*/s]}\n- {name: prod, paths: [c, b/p]}\n", app("a", "b/x/s", "b/p", "c"), "promotion.yaml:5: prod: path: b/p has 0 wildcards"},
		{"M8 one of the paths matches nothing", "- {name: staging, paths: [a, b]}\n- {name: prod, paths: [c, d]}\n", app("a", "b", "c"), "promotion.yaml:5: prod: path: there is no YAML in d"},
		{"M8 paths of one environment overlap", "- {name: staging, paths: [a, a/b]}\n- {name: prod, paths: [c, d]}\n", nil, "promotion.yaml:4: staging: a/b and a (of staging) overlap"},
		{"M8 patterns of one environment overlap", "- {name: staging, paths: [\"a/*\", \"*/x\"]}\n- {name: prod, paths: [\"b/*\", \"c/*\"]}\n", app("a/x", "b/x", "c/x"), "promotion.yaml:5: prod: a/x/app.yaml is in */x and in a/* (of staging)"},
		{"M8 path and paths", "- {name: staging, path: a, paths: [b]}\n- {name: prod, path: c}\n", nil, "promotion.yaml:4: staging: path and paths: give one of them"},
		{"M8 no path", "- {name: staging}\n- {name: prod, path: c}\n", nil, "promotion.yaml:4: staging: path is missing"},
		{"M8 a broken pattern", "- {name: staging, path: \"apps/[\"}\n- {name: prod, path: apps/*/prod}\n", nil, "promotion.yaml:4: staging: path: \"apps/[\""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := monorepo(t, c.environments, c.files)
			got := runStep(t, hub, toProd())
			if got.code != ExitFailed || !strings.Contains(got.stderr, c.want) || len(repo.Pulls()) > 0 {
				t.Errorf("exit %d, want %q:\n%s%s", got.code, c.want, got.stdout, got.stderr)
			}
		})
	}
	t.Run("M8 inputs", func(t *testing.T) {
		hub, _ := monorepo(t, "- {name: a, path: a}\n- {name: b, path: b}\n", app("apps/a/staging", "apps/a/prod"))
		runStep(t, hub, promoting("from", "apps/*/prod", "to", "apps/*/staging", "allow-downgrade", "true")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		for want, inputs := range map[string]map[string]string{
			"input from: there is no YAML in apps/*/none": promoting("from", "apps/*/none", "to", "apps/*/prod"),
			"input to: apps/a/prod has 0 wildcards":       promoting("from", "apps/*/staging", "to", "apps/a/prod"),
			"syntax error in pattern":                     promoting("from", "apps/[", "to", "apps/*/prod"),
		} {
			if got := runStep(t, hub, inputs); got.code != ExitFailed || !strings.Contains(got.stderr, want) {
				t.Errorf("exit %d, want %q:\n%s", got.code, want, got.stderr)
			}
		}
	})
}
