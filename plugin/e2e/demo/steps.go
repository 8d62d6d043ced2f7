package main

import (
	"context"
	"fmt"
	"strings"
)

const (
	overlay  = "apps/shop/overlays/prod/kustomization.yaml"
	base     = "apps/shop/base/kustomization.yaml"
	image    = ".spec.template.spec.containers[0].image"
	replicas = ".spec.replicas"
	oldTag   = "1.28-alpine"
	newTag   = "1.29-alpine"
)

func (p *place) showRepository(ctx context.Context) error {
	p.say("A config repository holds Kubernetes manifests and nothing else. This one describes a shop: a base, and an " +
		"overlay for each of staging and production. config is a clone of config.git.")
	if _, err := p.run(ctx, "git", "-C", "config", "ls-files"); err != nil {
		return err
	}
	_, err := p.run(ctx, "git", "-C", "config", "log", "--oneline")
	return err
}

func (p *place) showFirstReconcile(ctx context.Context) error {
	p.say("reconcile reads the last commit of main, builds the production overlay, applies it (the namespace and the " +
		"custom resource definition first, then the objects that need them) and waits until everything is healthy. It reads Git " +
		"and writes only to the cluster.")
	if _, err := p.reconcile(ctx); err != nil {
		return err
	}
	for _, deployment := range []string{"web", "api", "newsletter"} {
		if _, err := p.quiet(ctx, "kubectl", "wait", "deployment/"+deployment, "--namespace="+p.app, "--for=condition=Available", "--timeout=5s"); err != nil {
			return err
		}
	}
	p.ok("the Deployments web, api and newsletter are available")
	return p.expect(ctx, "coupon/spring-sale", ".spec.percent", "20")
}

func (p *place) showStatus(ctx context.Context) error {
	p.say("The records are ordinary ConfigMaps and Secrets in the namespace %s. There is no server to ask.", p.instance)
	out, err := p.run(ctx, "kubectl", "gitops", "status", "-n", p.instance)
	if err != nil {
		return err
	}
	if !strings.Contains(out, "Synced") || !strings.Contains(out, "Healthy") {
		return fmt.Errorf("status does not say Synced and Healthy")
	}
	out, err = p.run(ctx, "kubectl", "gitops", "status", "shop", "-n", p.instance)
	if err == nil && !strings.Contains(out, "newsletter") {
		return fmt.Errorf("status shop does not list the newsletter")
	}
	return err
}

func (p *place) showTrace(ctx context.Context) error {
	p.say("Somebody sees an object in the cluster and wants to know where it comes from. trace names the app, and the file, line, " +
		"commit and author in Git.")
	out, err := p.run(ctx, "kubectl", "gitops", "trace", "deployment/web", "--object-namespace", p.app, "-n", p.instance)
	if err != nil {
		return err
	}
	for _, part := range []string{"apps/shop/base/web.yaml:1\n", "Open the shop", "Ada Lovelace"} {
		if !strings.Contains(out, part) {
			return fmt.Errorf("trace does not name %q", strings.TrimSpace(part))
		}
	}
	p.ok("trace names the file and the line")
	return nil
}

func (p *place) showImageChange(ctx context.Context) error {
	p.say("CI, or a person, changes one line in Git. Nobody needs access to the cluster for that.")
	if err := edit(p.shell, overlay, "newTag: "+oldTag, "newTag: "+newTag); err != nil {
		return err
	}
	if _, err := p.run(ctx, "git", "-C", "config", "diff", "--unified=0"); err != nil {
		return err
	}
	if err := p.showCommit(ctx, "Update nginx to "+newTag); err != nil {
		return err
	}
	p.say("diff shows what the next run would change. It exits with 1 when there are differences.")
	diff := append([]string{"kubectl", "gitops", "diff"}, p.reconcileCommand()[3:]...)
	out, err := p.run(ctx, diff...)
	if exitCode(err) != 1 || !strings.Contains(out, newTag) {
		return fmt.Errorf("diff does not show the new image: %w", err)
	}
	if _, err := p.reconcile(ctx); err != nil {
		return err
	}
	return p.expect(ctx, "deployment/web", image, "nginx:"+newTag)
}

func (p *place) showDrift(ctx context.Context) error {
	p.say("Git says 2 replicas of web. Somebody scales it in the cluster:")
	if _, err := p.run(ctx, "kubectl", "scale", "deployment/web", "--replicas=5", "-n", p.app); err != nil {
		return err
	}
	p.say("That is drift. The next run needs no new commit: it finds the drift, says which field manager set it, and reverts it.")
	out, err := p.reconcile(ctx)
	if err != nil {
		return err
	}
	if err := p.expect(ctx, "deployment/web", replicas, "2"); err != nil {
		return fmt.Errorf("the drift was not reverted: %w", err)
	}
	for _, part := range []string{"reverted", "replicas 5", "set by kubectl"} {
		if !strings.Contains(out, part) {
			return fmt.Errorf("reconcile does not tell what was reverted and who did it: %q is missing", part)
		}
	}
	p.ok("reconcile named the field manager that changed the Deployment")
	return nil
}

func (p *place) showPrune(ctx context.Context) error {
	p.say("The newsletter is not needed any more: a commit deletes its file and the line that mentions it.")
	if _, err := p.run(ctx, "git", "-C", "config", "rm", "--quiet", "apps/shop/base/newsletter.yaml"); err != nil {
		return err
	}
	if err := edit(p.shell, base, "- newsletter.yaml\n", ""); err != nil {
		return err
	}
	if err := p.showCommit(ctx, "Retire the newsletter"); err != nil {
		return err
	}
	if _, err := p.reconcile(ctx); err != nil {
		return err
	}
	left, err := p.quiet(ctx, "kubectl", "get", "deployment/newsletter", "service/newsletter", "--namespace="+p.app, "--ignore-not-found", "--output=name")
	if err != nil {
		return err
	}
	if left != "" {
		return fmt.Errorf("still in the cluster: %s", left)
	}
	p.ok("the newsletter's Deployment and Service are gone")
	return nil
}

func (p *place) showRollback(ctx context.Context) error {
	p.say("The new nginx was a mistake. The rollback is a commit like every other: reviewed, recorded, and reconciled.")
	mistake, err := p.quiet(ctx, "git", "-C", "config", "log", "-1", "--format=%h", "--grep=Update nginx")
	if err != nil {
		return err
	}
	if _, err := p.run(ctx, "git", "-C", "config", "revert", "--no-edit", mistake); err != nil {
		return err
	}
	if _, err := p.run(ctx, "git", "-C", "config", "push", "--quiet"); err != nil {
		return err
	}
	if _, err := p.reconcile(ctx); err != nil {
		return err
	}
	return p.expect(ctx, "deployment/web", image, "nginx:"+oldTag)
}

func (p *place) showHistory(ctx context.Context) error {
	out, err := p.run(ctx, "kubectl", "gitops", "history", "shop", "-n", p.instance)
	if err != nil {
		return err
	}
	for _, part := range []string{"Open the shop", "Update nginx", "Reverted", "Retire the newsletter", "Revert"} {
		if !strings.Contains(out, part) {
			return fmt.Errorf("the history does not mention %q", part)
		}
	}
	p.ok("the history has the four commits and the drift")
	return nil
}

// showCommit commits and pushes everything in the clone, and shows how.
func (p *place) showCommit(ctx context.Context, message string) error {
	for _, args := range [][]string{
		{"git", "-C", "config", "commit", "--quiet", "--all", "-m", message},
		{"git", "-C", "config", "push", "--quiet"},
	} {
		if _, err := p.run(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}
