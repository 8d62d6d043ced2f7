package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// run shows the whole loop and stops what it has started, however it ends.
func run(ctx context.Context, out io.Writer, local bool) (err error) {
	started := time.Now()
	dir, err := os.MkdirTemp("", "gitops-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, undo, err := open(ctx, out, dir, local)
	if err != nil {
		return err
	}
	defer func() {
		if undoing := undo(); err == nil {
			err = undoing
		}
		if err == nil {
			p.say("That was the demo. It took %s, and stopped everything that it started. "+
				"`make demo-up` leaves a cluster running to try it yourself.", time.Since(started).Round(time.Second))
		}
	}()
	return p.show(ctx)
}

// open prepares a place with a cluster and a config repository. Its second result undoes that.
func open(ctx context.Context, out io.Writer, dir string, local bool) (_ *place, undo func() error, err error) {
	undone := func() error { return nil }
	undo = undone
	defer func() {
		if err != nil {
			_ = undo() // the first error is the one to report
			undo = undone
		}
	}()
	var kubeconfig, kubectlDir string
	if local {
		cluster, err := startLocal(ctx, out, dir)
		if err != nil {
			return nil, undo, err
		}
		kubeconfig, kubectlDir = cluster.Kubeconfig, cluster.Bin
		undo = func() error { cluster.Stop(); return nil }
	}
	p, err := newPlace(out, dir, kubeconfig, kubectlDir)
	if err != nil {
		return nil, undo, err
	}
	if !local {
		if _, err := claimCurrent(ctx, p); err != nil {
			return nil, undo, err
		}
		undo = func() error { return leaveCurrent(p) }
	}
	return p, undo, createRepository(ctx, p.shell, p.app)
}

// show runs the steps. Each checks what it has shown.
func (p *place) show(ctx context.Context) error {
	for _, step := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"Git says what should run", p.showRepository},
		{"The first reconcile", p.showFirstReconcile},
		{"What runs, at which commit, and whether it is healthy", p.showStatus},
		{"Where an object comes from", p.showTrace},
		{"A commit changes an image", p.showImageChange},
		{"Somebody changes the cluster without Git", p.showDrift},
		{"What leaves Git leaves the cluster", p.showPrune},
		{"Rollback is git revert", p.showRollback},
		{"What was deployed, when, and who wrote the commit", p.showHistory},
	} {
		p.step(step.title)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("step %d (%s): %w", p.steps, step.title, err)
		}
	}
	return nil
}

// reconcileCommand is the command line that the demo repeats.
func (p *place) reconcileCommand() []string {
	return []string{"kubectl", "gitops", "reconcile", "--repo", "config.git", "--ref", "main",
		"--path", "apps/shop/overlays/prod", "--name", "shop", "-n", p.instance}
}

func (p *place) reconcile(ctx context.Context) (string, error) {
	return p.run(ctx, p.reconcileCommand()...)
}

// get returns a field of an object of the shop.
func (p *place) get(ctx context.Context, object, path string) (string, error) {
	return p.quiet(ctx, "kubectl", "get", object, "--namespace="+p.app, "--output=jsonpath={"+path+"}")
}

// expect fails unless a field of an object has the wanted value, and says so when it has.
func (p *place) expect(ctx context.Context, object, path, want string) error {
	got, err := p.get(ctx, object, path)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s has %s = %q in the cluster, want %q", object, path, got, want)
	}
	p.ok("%s has %s = %s in the cluster", object, path[strings.LastIndex(path, ".")+1:], got)
	return nil
}
