package action

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

const promotionHead = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\nenvironments:\n"

// monorepo is a repository whose apps lie in one layout; at is the file of an app in an environment.
func monorepo(t *testing.T, environments string, files map[string]string) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	hub := githubtest.New(t)
	all := map[string]string{promotionFile: promotionHead + environments, "README.md": "x\n"}
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
				if !strings.Contains(p.Body+got.stdout, s) && !strings.Contains(p.Body, plainText(s)) {
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
		runStep(t, hub, promotion("from", "apps/*/prod", "to", "apps/*/staging", "allow-downgrade", "true")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		for want, inputs := range map[string]map[string]string{
			"input from: there is no YAML in apps/*/none": promotion("from", "apps/*/none", "to", "apps/*/prod"),
			"input to: apps/a/prod has 0 wildcards":       promotion("from", "apps/*/staging", "to", "apps/a/prod"),
			"syntax error in pattern":                     promotion("from", "apps/[", "to", "apps/*/prod"),
		} {
			if got := runStep(t, hub, inputs); got.code != ExitFailed || !strings.Contains(got.stderr, want) {
				t.Errorf("exit %d, want %q:\n%s", got.code, want, got.stderr)
			}
		}
	})
}

// shopOf is a monorepo of overlays with two apps, with the newer versions in staging.
func shopOf(t *testing.T, prod string) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	return monorepo(t, "- {name: staging, path: apps/*/overlays/staging}\n- {name: prod, path: apps/*/overlays/prod"+prod+"}\n", map[string]string{
		overlay("cart", "staging"): imagesOf("cart", "1.8.0"), overlay("cart", "prod"): imagesOf("cart", "1.8.0"),
		overlay("web", "staging"): imagesOf("web", "3.0"), overlay("web", "prod"): imagesOf("web", "3.0"),
	})
}

func overlay(app, env string) string {
	return "apps/" + app + "/overlays/" + env + "/kustomization.yaml"
}

// TestFieldLayoutsAllTheWay: gates, rollback, holds, conflicts and closed pull requests know the parts of an environment.
func TestFieldLayoutsAllTheWay(t *testing.T) {
	t.Run("M8 a gate looks at the parts that versions come from", func(t *testing.T) {
		hub, repo := shopOf(t, ", gates: {statuses: [e2e]}")
		c := repo.Push("main", "cart", map[string]string{overlay("cart", "staging"): imagesOf("cart", "1.9.0")})
		if got := runStep(t, hub, toProd()).mustSucceed(t); !strings.Contains(got.stdout, "nothing reported on "+short(c.SHA)) {
			t.Errorf("stdout:\n%s", got.stdout)
		}
		repo.Report(githubtest.Report{SHA: c.SHA, Name: "e2e", State: "success"})
		repo.Push("main", "something of prod", map[string]string{"apps/cart/overlays/prod/x.yaml": "a: 1\n"})
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		repo.Squash(1)
		// Two parts: the success has to be of a commit at which both were what they are.
		repo.Push("main", "cart", map[string]string{overlay("cart", "staging"): imagesOf("cart", "1.9.1")})
		web := repo.Push("main", "web", map[string]string{overlay("web", "staging"): imagesOf("web", "3.1")})
		if got := runStep(t, hub, toProd()).mustSucceed(t); !strings.Contains(got.stdout, "nothing reported on "+short(web.SHA)) {
			t.Errorf("stdout:\n%s", got.stdout)
		}
		repo.Report(githubtest.Report{SHA: web.SHA, Name: "e2e", State: "success"})
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		if body := repo.Open()[0].Body; !strings.Contains(body, "`cart 1.9.1`") || !strings.Contains(body, "`web 3.1`") {
			t.Errorf("body:\n%s", body)
		}
	})
	t.Run("M8 approvals of every part", func(t *testing.T) {
		hub, repo := shopOf(t, ", gates: {approvals: 1}")
		for i, app := range []string{"cart", "web"} {
			repo.Push("feature-"+app, app, map[string]string{overlay(app, "staging"): imagesOf(app, "9.0")})
			repo.OpenPull("feature-"+app, app)
			repo.Merge(i + 1)
		}
		repo.Edit(1, func(p *githubtest.Pull) { p.Approvers = []string{"ada"} })
		if got := runStep(t, hub, toProd()).mustSucceed(t); !strings.Contains(got.stdout, "#2 has 0 approvals") || len(repo.Open()) > 0 {
			t.Errorf("stdout:\n%s", got.stdout)
		}
		repo.Edit(2, func(p *githubtest.Pull) { p.Approvers = []string{"ada"} })
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
	})
	t.Run("M8 approvals of more parts than are described", func(t *testing.T) {
		files := map[string]string{}
		for i := range 25 {
			files[overlay(fmt.Sprintf("app%d", i), "staging")] = imagesOf("api", "1.0")
			files[overlay(fmt.Sprintf("app%d", i), "prod")] = imagesOf("api", "1.0")
		}
		hub, repo := monorepo(t, "- {name: staging, path: apps/*/overlays/staging}\n- {name: prod, path: apps/*/overlays/prod, gates: {approvals: 1, statuses: [e2e]}}\n", files)
		for i := range 25 {
			files[overlay(fmt.Sprintf("app%d", i), "staging")] = imagesOf("api", "1.1")
		}
		delete(files, promotionFile)
		repo.Push("feature", "all", files)
		repo.OpenPull("feature", "all")
		repo.Edit(1, func(p *githubtest.Pull) { p.Approvers = []string{"ada"} })
		repo.Squash(1)
		last := repo.Push("main", "directly", map[string]string{overlay("app24", "staging"): imagesOf("api", "1.2")})
		repo.Report(githubtest.Report{SHA: last.SHA, Name: "e2e", State: "success"})
		if got := runStep(t, hub, toProd()).mustSucceed(t); !strings.Contains(got.stdout, short(last.SHA)+" came without a pull request") {
			t.Errorf("stdout:\n%s", got.stdout)
		}
	})
	t.Run("M8 rollback and holds are about the part", func(t *testing.T) {
		hub, repo := shopOf(t, "")
		both := func(tag string) map[string]string {
			return map[string]string{overlay("cart", "staging"): imagesOf("cart", tag), overlay("web", "staging"): imagesOf("web", "3.0", "cart", tag), overlay("web", "prod"): imagesOf("web", "3.0", "cart", "1.8.0")}
		}
		repo.Push("main", "cart everywhere", both("1.9.0"))
		runStep(t, hub, toProd("pull-request", "false")).mustSucceed(t)
		runStep(t, hub, rollback("images", "ghcr.io/acme/cart", "paths", "prod", "pull-request", "false")).mustSucceed(t)
		for app, want := range map[string]string{"cart": imagesOf("cart", "1.8.0"), "web": imagesOf("web", "3.0", "cart", "1.8.0")} {
			if got := repo.Read("main", overlay(app, "prod")); got != want {
				t.Errorf("%s:\n%s", app, got)
			}
		}
		holds, err := parseHolds([]byte(repo.Read("main", holdsFile)))
		var paths []string
		for _, h := range holds {
			paths = append(paths, h.Path)
		}
		slices.Sort(paths)
		if err != nil || !slices.Equal(paths, []string{"apps/cart/overlays/prod", "apps/web/overlays/prod"}) {
			t.Errorf("%v %v", paths, err)
		}
		got := runStep(t, hub, toProd()).mustSucceed(t)
		if !strings.Contains(got.stdout, "held: cart 1.9.0 in apps/cart/overlays/prod") || len(repo.Pulls()) > 0 {
			t.Errorf("stdout:\n%s", got.stdout)
		}
		runStep(t, hub, rollback("release", "ghcr.io/acme/cart", "paths", "prod", "pull-request", "false")).mustSucceed(t)
		if holds, err := parseHolds([]byte(repo.Read("main", holdsFile))); err != nil || len(holds) > 0 {
			t.Errorf("%v %v", holds, err)
		}
	})
	t.Run("M8 a rollback where files are environments", func(t *testing.T) {
		hub, repo := monorepo(t, "- {name: staging, path: charts/*/values-staging.yaml}\n- {name: prod, path: charts/*/values-prod.yaml}\n", map[string]string{
			"charts/cart/values-staging.yaml": valuesOf("cart", "1.9.0"), "charts/cart/values-prod.yaml": valuesOf("cart", "1.8.0"),
		})
		runStep(t, hub, toProd("pull-request", "false")).mustSucceed(t)
		runStep(t, hub, rollback("images", "ghcr.io/acme/cart", "paths", "prod", "pull-request", "false")).mustSucceed(t)
		if got := repo.Read("main", "charts/cart/values-prod.yaml"); got != valuesOf("cart", "1.8.0") || !strings.Contains(repo.Read("main", holdsFile), "path: charts/cart/values-prod.yaml") {
			t.Errorf("%s\n%s", got, repo.Read("main", holdsFile))
		}
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "none", "changed": "false"})
	})
	t.Run("M8 a rollback where the name is in values.yaml", func(t *testing.T) {
		for _, back := range []map[string]string{rollback("images", "ghcr.io/acme/cart", "paths", "prod", "pull-request", "false"), rollback("pull-request-number", "1", "pull-request", "false")} {
			hub, repo := monorepo(t, "- {name: staging, path: charts/*/values-staging.yaml}\n- {name: prod, path: charts/*/values-prod.yaml, gates: {statuses: [e2e]}}\n", map[string]string{
				"charts/cart/values.yaml": "image: {repository: ghcr.io/acme/cart, tag: 0.0.1}\n", "charts/cart/values-staging.yaml": "image: {tag: 1.8.0}\n", "charts/cart/values-prod.yaml": "image: {tag: 1.8.0}\n",
			})
			c := repo.Push("main", "cart 1.9.0", map[string]string{"charts/cart/values-staging.yaml": "image: {tag: 1.9.0}\n"})
			repo.Report(githubtest.Report{SHA: c.SHA, Name: "e2e", State: "success"})
			runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
			if body := repo.Open()[0].Body; !strings.Contains(body, "`cart 1.9.0`") {
				t.Errorf("it is not told how the version came:\n%s", body)
			}
			repo.Squash(1)
			runStep(t, hub, back).mustSucceed(t)
			if got := repo.Read("main", "charts/cart/values-prod.yaml"); got != "image: {tag: 1.8.0}\n" || !strings.Contains(repo.Read("main", holdsFile), "path: charts/cart/values-prod.yaml") {
				t.Errorf("%s\n%s", got, repo.Read("main", holdsFile))
			}
			if got := runStep(t, hub, toProd()).mustSucceed(t); len(repo.Open()) > 0 || !strings.Contains(got.stdout, "held: cart 1.9.0") {
				t.Errorf("stdout:\n%s", got.stdout)
			}
		}
	})
	t.Run("M8 a promotion of parts that conflicts, and one that somebody closed", func(t *testing.T) {
		hub, repo := shopOf(t, "")
		repo.Push("main", "both", map[string]string{overlay("cart", "staging"): imagesOf("cart", "1.9.0"), overlay("web", "staging"): imagesOf("web", "3.1")})
		runStep(t, hub, toProd()).mustSucceed(t)
		repo.Push("main", "hotfix", map[string]string{overlay("cart", "prod"): imagesOf("cart", "1.8.1")})
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated"})
		if list := repo.Conflicts(1); len(list) > 0 {
			t.Errorf("conflicts %v", list)
		}
		repo.ClosePull(1)
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "none", "pr-number": "1"})
		repo.Push("main", "hotfix", map[string]string{overlay("cart", "prod"): imagesOf("cart", "1.9.0")})
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "none", "pr-number": "1"})
		// The version that was closed for one app is new for another.
		repo.Push("main", "cart in web", map[string]string{overlay("web", "staging"): imagesOf("web", "3.0", "cart", "1.9.0"), overlay("web", "prod"): imagesOf("web", "3.0", "cart", "1.8.1")})
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
	})
	t.Run("M8 Update branch on a promotion of parts", func(t *testing.T) {
		hub, repo := shopOf(t, "")
		repo.Push("main", "both", map[string]string{overlay("cart", "staging"): imagesOf("cart", "1.9.0"), overlay("web", "staging"): imagesOf("web", "3.1", "cart", "2.0")})
		repo.Push("main", "web", map[string]string{overlay("web", "prod"): imagesOf("web", "3.0", "cart", "1.0")})
		runStep(t, hub, toProd()).mustSucceed(t)
		repo.Push("main", "unrelated", map[string]string{"README.md": "y\n"})
		repo.UpdateBranch(1, nil)
		repo.Push("main", "newer", map[string]string{overlay("cart", "staging"): imagesOf("cart", "1.9.1")})
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "1"})
	})
	t.Run("M8 in a checkout", func(t *testing.T) {
		dir := checkoutOf(t, map[string]string{
			overlay("cart", "staging"): imagesOf("cart", "1.9.0"), overlay("cart", "prod"): imagesOf("cart", "1.8.0"),
			overlay("web", "staging"): imagesOf("web", "3.1"), overlay("web", "prod"): imagesOf("web", "3.0"),
		})
		code, out, errs := command(t, "promote", "--dir", dir, "--from", "apps/*/overlays/staging", "--to", "apps/*/overlays/prod")
		if code != ExitOK || !strings.Contains(out, "2 edits made in 2 files") || read(t, dir+"/"+overlay("web", "prod")) != imagesOf("web", "3.1") {
			t.Errorf("exit %d\n%s%s", code, out, errs)
		}
	})
}

// TestFieldPathsAndContext: paths limit what is edited, not what is read to understand it.
func TestFieldPathsAndContext(t *testing.T) {
	files := map[string]string{"web/values.yaml": "image: {repository: ghcr.io/acme/web, tag: null}\n", "web/values-prod.yaml": "image: {tag: \"12\"}\n", "web/values-dev.yaml": "image: {tag: \"12\"}\n"}
	inputs := map[string]string{"images": "ghcr.io/acme/web=13", "paths": "web/values-prod.yaml"}
	t.Run("A6 by pull request", func(t *testing.T) {
		hub, repo := monorepo(t, "- {name: a, path: a}\n- {name: b, path: b}\n", files)
		runStep(t, hub, inputs).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		head := repo.Open()[0].Head
		if repo.Read(head, "web/values-prod.yaml") != "image: {tag: \"13\"}\n" || repo.Read(head, "web/values-dev.yaml") != files["web/values-dev.yaml"] || repo.Read(head, "web/values.yaml") != files["web/values.yaml"] {
			t.Errorf("%v", repo.Files(head))
		}
		unchanged(t, hub, inputs, 2)
	})
	t.Run("A6 held", func(t *testing.T) {
		more := map[string]string{holdsFile: holdsHead + "- image: ghcr.io/acme/web\n  tag: \"13\"\n  path: web/values-prod.yaml\n"}
		for name, data := range files {
			more[name] = data
		}
		hub, repo := monorepo(t, "- {name: a, path: a}\n- {name: b, path: b}\n", more)
		if got := runStep(t, hub, inputs); got.code != ExitFailed || !strings.Contains(got.stderr, "held: web 13") {
			t.Errorf("exit %d\n%s", got.code, got.stderr)
		}
		got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/web=13", "pull-request": "false"}).mustSucceed(t)
		if !strings.Contains(got.stdout, "held: web 13") || repo.Read("main", "web/values-prod.yaml") != files["web/values-prod.yaml"] || repo.Read("main", "web/values-dev.yaml") != "image: {tag: \"13\"}\n" {
			t.Errorf("%v\n%s", repo.Files("main"), got.stdout)
		}
	})
	t.Run("A6 in a checkout", func(t *testing.T) {
		dir := checkoutOf(t, files)
		code, out, errs := command(t, "bump", "--dir", dir, "--path", "web/values-prod.yaml", "--image", "ghcr.io/acme/web=13")
		if code != ExitOK || read(t, dir+"/web/values-prod.yaml") != "image: {tag: \"13\"}\n" || read(t, dir+"/web/values-dev.yaml") != files["web/values-dev.yaml"] {
			t.Errorf("exit %d\n%s%s", code, out, errs)
		}
	})
}
