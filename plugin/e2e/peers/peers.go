// Package peers builds the controllers that people come from, those of Flux and of Argo CD, from their Go modules, so that
// the recipes for a hand-over can be run beside them. Nothing is downloaded but Go modules.
//
// It does NOT start them: the tests in package e2e do.
package peers

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// Peer is one program of another tool.
type Peer struct {
	Name    string // of the binary
	Package string // its main package
	Module  string // where its CustomResourceDefinitions are
	CRDs    string // directory in the module
	modfile string
}

// The peers there are.
var (
	SourceController    = flux("source-controller")
	KustomizeController = flux("kustomize-controller")
	HelmController      = flux("helm-controller")
)

func flux(name string) Peer {
	module := "github.com/fluxcd/" + name
	return Peer{Name: name, Package: module, Module: module, CRDs: "config/crd/bases", modfile: "peers/flux.mod"}
}

// Build compiles the peer unless it is in the user's cache directory, and returns the binary and the directory of its
// CustomResourceDefinitions. dir is plugin/e2e of the checkout. One build takes about five minutes on two cores.
func (p Peer) Build(ctx context.Context, dir string, log io.Writer) (binary, crds string, err error) {
	out, err := p.command(ctx, dir, "list", "-m", "-f", "{{.Dir}}\t{{.Version}}", p.Module).Output()
	if err != nil {
		return "", "", fmt.Errorf("find %s: %w", p.Module, err)
	}
	source, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\t")
	cache, err := kube.CacheDir("peers")
	if err != nil {
		return "", "", err
	}
	binary, crds = filepath.Join(cache, p.Name+"-"+version), filepath.Join(source, p.CRDs)
	if _, err := os.Stat(binary); err == nil {
		return binary, crds, nil
	}
	fmt.Fprintf(log, "Building %s %s; it is kept in %s\n", p.Name, version, cache)
	cmd := p.command(ctx, dir, "build", "-trimpath", "-buildvcs=false", "-p", "1", "-ldflags=-s -w", "-o", binary+".building", p.Package)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("build %s: %w\n%s", p.Name, err, out)
	}
	return binary, crds, os.Rename(binary+".building", binary)
}

func (p Peer) command(ctx context.Context, dir, verb string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", append([]string{verb, "-modfile=" + p.modfile, "-mod=mod"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	return cmd
}
