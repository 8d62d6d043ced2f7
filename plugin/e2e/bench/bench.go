package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// root is the directory of the repository, from this one.
const root = "../../.."

// session is all that was measured on one control plane.
type session struct {
	Machine  machine
	Versions []string
	Runs     int
	Limit    time.Duration
	Results  []result
	Skipped  []skip
	Heals    []healing
}

// result is one case of one tool at one size.
type result struct {
	Size       int
	Case, Tool string
	summary
}

// skip says what was not measured, and why.
type skip struct {
	Size         int
	Tool, Reason string
}

// bench is what a session works with.
type bench struct {
	options
	log      io.Writer
	dir      string
	cluster  *kube.Cluster
	admin    *admin
	audit    *audit
	launcher *launcher
	session  session
}

// measure runs a session. It removes everything temporary at its end.
func measure(ctx context.Context, o options, log io.Writer) (session, error) {
	dir, err := os.MkdirTemp("", "gitops-bench-")
	if err != nil {
		return session{}, err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, log: log, dir: dir, session: session{Runs: o.runs, Limit: o.limit}}
	if err := b.build(ctx); err != nil {
		return session{}, err
	}
	if b.session.Versions, err = versions(ctx); err != nil {
		return session{}, err
	}
	if b.cluster, err = kube.Start(ctx, kube.Options{Dir: filepath.Join(dir, "cluster"), Log: log}); err != nil {
		return session{}, err
	}
	defer b.cluster.Stop()
	if b.admin, err = newAdmin(b.cluster); err != nil {
		return session{}, err
	}
	if b.audit, err = openAudit(b.cluster); err != nil {
		return session{}, err
	}
	if err := os.Symlink(filepath.Join(b.cluster.Bin, "kubectl"), filepath.Join(b.launcher.bin, "kubectl")); err != nil {
		return session{}, err
	}
	b.session.Machine = describeMachine()
	for _, size := range o.sizes {
		if err = b.size(ctx, size); err != nil {
			break
		}
	}
	b.session.Machine.End = time.Now().UTC()
	return b.session, err
}

// build compiles everything that is measured, the peers from the module cache.
func (b *bench) build(ctx context.Context) error {
	b.launcher = &launcher{bin: filepath.Join(b.dir, "bin"), dir: b.dir, limit: b.limit}
	fmt.Fprintln(b.log, "Building kubectl-gitops and the peers; the first time this takes some minutes.")
	for dir, packages := range map[string][]string{
		root: {"./cmd/kubectl-gitops"},
		".":  {"./launch", "./fluxengine", "./bareloop", "carvel.dev/kapp/cmd/kapp"},
	} {
		args := append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", b.launcher.bin + "/"}, packages...)
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %v: %w\n%s", packages, err, out)
		}
	}
	return nil
}

// size runs all cases at one size and cleans up.
func (b *bench) size(ctx context.Context, size int) error {
	var tools []*tool
	for _, name := range b.tools {
		t, err := newTool(name, size, b.dir, b.cluster)
		if err != nil {
			return err
		}
		if reason := b.hopeless(name, size); reason != "" {
			b.leaveOut(t, reason)
			continue
		}
		if err := errors.Join(t.prepare(t.set), b.admin.prepare(ctx, t)); err != nil {
			return err
		}
		tools = append(tools, t)
	}
	var err error
	for _, c := range cases() {
		measured := slices.Contains(b.cases, c.name)
		if !measured && c.name != "install" {
			continue
		}
		if tools, err = b.takeTurns(ctx, c, tools, measured); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for _, t := range tools {
		if t.name == "ours" && slices.Contains(b.cases, "heal") {
			if err := b.heal(ctx, t); err != nil {
				return fmt.Errorf("heal: %w", err)
			}
		}
		if err := b.admin.clean(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// takeTurns runs a case for every tool, round by round; who goes first changes. It returns the tools that go on.
func (b *bench) takeTurns(ctx context.Context, c benchCase, tools []*tool, measured bool) ([]*tool, error) {
	runs := map[string][]run{}
	rounds := b.runs
	if !measured {
		rounds = 1
	}
	for round := range rounds {
		for i := range tools {
			t := tools[(i+round)%len(tools)]
			if t == nil || !c.suits(t) {
				continue
			}
			if !untilIdle(ctx) {
				b.session.Machine.Unquiet++
			}
			r, err := c.run(ctx, b, t, round)
			if errors.Is(err, errTooLong) {
				b.leaveOut(t, fmt.Sprintf("%s: more than %s a run", c.name, b.limit))
				if err := b.admin.clean(ctx, t); err != nil {
					return nil, err
				}
				tools[(i+round)%len(tools)] = nil
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			fmt.Fprintf(b.log, "%s %6d %-8s %-8s %9s %9s cpu %4d MiB %v\n", time.Now().Format(time.TimeOnly), t.set.size, c.name, t.name,
				r.Wall.Round(time.Millisecond), r.CPU.Round(time.Millisecond), r.Peak>>20, r.Requests)
			runs[t.name] = append(runs[t.name], r)
		}
		if c.undo != nil && round < rounds-1 {
			if err := b.undo(ctx, c, tools); err != nil {
				return nil, err
			}
		}
	}
	tools = slices.DeleteFunc(tools, func(t *tool) bool { return t == nil })
	for _, t := range tools {
		if measured && len(runs[t.name]) > 0 {
			b.session.Results = append(b.session.Results, result{t.set.size, c.name, t.name, summarize(runs[t.name])})
		}
	}
	return tools, nil
}

// undo makes tools ready for another round. They were measured right after each other before: so all met the same load.
func (b *bench) undo(ctx context.Context, c benchCase, tools []*tool) error {
	for _, t := range tools {
		if t == nil {
			continue
		}
		if err := c.undo(ctx, b, t); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

func (b *bench) leaveOut(t *tool, reason string) {
	fmt.Fprintf(b.log, "%6d %s is left out: %s\n", t.set.size, t.name, reason)
	b.session.Skipped = append(b.session.Skipped, skip{t.set.size, t.name, reason})
}

// hopeless says why a tool cannot keep the limit at a size: what it took at a smaller one, times the ratio.
func (b *bench) hopeless(name string, size int) string {
	for _, r := range b.session.Results {
		if expected := r.Wall * time.Duration(size) / time.Duration(r.Size); r.Tool == name && r.Size*10 <= size && expected > b.limit && r.Size >= 1000 {
			return fmt.Sprintf("%s took %s for %d objects, which lets expect %s", r.Case, r.Wall.Round(100*time.Millisecond), r.Size, expected.Round(time.Second))
		}
	}
	return ""
}
