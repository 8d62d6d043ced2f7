package action

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

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
		if got := runStep(t, hub, toProd()).mustSucceed(t); !strings.Contains(got.stdout, "nothing reported on "+display.SHA(c.SHA)) {
			t.Errorf("stdout:\n%s", got.stdout)
		}
		repo.Report(githubtest.Report{SHA: c.SHA, Name: "e2e", State: "success"})
		repo.Push("main", "something of prod", map[string]string{"apps/cart/overlays/prod/x.yaml": "a: 1\n"})
		runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		repo.Squash(1)
		// Two parts: the success has to be of a commit at which both were what they are.
		repo.Push("main", "cart", map[string]string{overlay("cart", "staging"): imagesOf("cart", "1.9.1")})
		web := repo.Push("main", "web", map[string]string{overlay("web", "staging"): imagesOf("web", "3.1")})
		if got := runStep(t, hub, toProd()).mustSucceed(t); !strings.Contains(got.stdout, "nothing reported on "+display.SHA(web.SHA)) {
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
		delete(files, promotion.FilePath)
		repo.Push("feature", "all", files)
		repo.OpenPull("feature", "all")
		repo.Edit(1, func(p *githubtest.Pull) { p.Approvers = []string{"ada"} })
		repo.Squash(1)
		last := repo.Push("main", "directly", map[string]string{overlay("app24", "staging"): imagesOf("api", "1.2")})
		repo.Report(githubtest.Report{SHA: last.SHA, Name: "e2e", State: "success"})
		if got := runStep(t, hub, toProd()).mustSucceed(t); !strings.Contains(got.stdout, display.SHA(last.SHA)+" has no pull request") {
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
		holds, err := promotion.ParseHolds([]byte(repo.Read("main", promotion.HoldsPath)))
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
		if holds, err := promotion.ParseHolds([]byte(repo.Read("main", promotion.HoldsPath))); err != nil || len(holds) > 0 {
			t.Errorf("%v %v", holds, err)
		}
	})
	t.Run("M8 a rollback where files are environments", func(t *testing.T) {
		hub, repo := monorepo(t, "- {name: staging, path: charts/*/values-staging.yaml}\n- {name: prod, path: charts/*/values-prod.yaml}\n", map[string]string{
			"charts/cart/values-staging.yaml": valuesOf("cart", "1.9.0"), "charts/cart/values-prod.yaml": valuesOf("cart", "1.8.0"),
		})
		runStep(t, hub, toProd("pull-request", "false")).mustSucceed(t)
		runStep(t, hub, rollback("images", "ghcr.io/acme/cart", "paths", "prod", "pull-request", "false")).mustSucceed(t)
		if got := repo.Read("main", "charts/cart/values-prod.yaml"); got != valuesOf("cart", "1.8.0") || !strings.Contains(repo.Read("main", promotion.HoldsPath), "path: charts/cart/values-prod.yaml") {
			t.Errorf("%s\n%s", got, repo.Read("main", promotion.HoldsPath))
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
			if got := repo.Read("main", "charts/cart/values-prod.yaml"); got != "image: {tag: 1.8.0}\n" || !strings.Contains(repo.Read("main", promotion.HoldsPath), "path: charts/cart/values-prod.yaml") {
				t.Errorf("%s\n%s", got, repo.Read("main", promotion.HoldsPath))
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
		more := map[string]string{promotion.HoldsPath: heldHead + "- image: ghcr.io/acme/web\n  tag: \"13\"\n  path: web/values-prod.yaml\n"}
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
