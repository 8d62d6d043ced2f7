// Package kube runs a real Kubernetes control plane for tests and demonstrations: kube-apiserver,
// kube-controller-manager and etcd as child processes on loopback, and kubectl beside them, all compiled from their Go
// modules. It downloads no binaries and needs no container runtime.
//
// It does NOT run a node (package node does): without a kubelet no container ever starts. A stand-in (see StandIn)
// reports pods as running. It is not hardened either, and not meant to outlive its parent process.
package kube

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Version is the Kubernetes version that controlplane/go.mod pins.
const Version = "v1.37.2"

// part is a set of programs that are built, and kept, together.
type part struct {
	name     string // of the directory under the cache directory
	dir      string // below the module controlplane
	binaries []string
	patience string
}

var (
	controlPlane = part{"controlplane", "cmd", []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"}, "ten minutes"}
	nodePart     = part{"node", "node", []string{"kubelet"}, "two minutes after the control plane"}
)

// progressEvery is how often a first build says that it is alive.
const progressEvery = 20 * time.Second

// Build returns the directory that holds etcd, kube-apiserver, kube-controller-manager and kubectl. The first call
// on a machine compiles them, which takes about ten minutes on two cores, and says so on log; later calls return at
// once. The result is kept in the user's cache directory ($XDG_CACHE_HOME or ~/.cache) under a key made of the
// sources, their module versions and the Go version. Processes that call Build together compile once.
//
// The working directory must be inside this repository.
func Build(ctx context.Context, log io.Writer) (string, error) {
	return controlPlane.build(ctx, log)
}

// BuildNode is Build for the kubelet, which only StartNode needs.
func BuildNode(ctx context.Context, log io.Writer) (string, error) {
	return nodePart.build(ctx, log)
}

func (p part) build(ctx context.Context, log io.Writer) (string, error) {
	src, err := sources(ctx)
	if err != nil {
		return "", fmt.Errorf("find the control plane's sources: %w", err)
	}
	key, err := p.key(ctx, src)
	if err != nil {
		return "", fmt.Errorf("compute the cache key of the %s: %w", p.name, err)
	}
	root, err := CacheDir(p.name)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, key)
	if p.built(bin) {
		return bin, nil
	}
	unlock, err := lock(filepath.Join(root, key+".lock"), func() {
		fmt.Fprintln(log, "Waiting for another process that is building the "+p.name+".")
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if p.built(bin) {
		return bin, nil
	}
	return bin, p.compile(ctx, log, src, bin)
}

// CacheDir returns the directory for name under the user's cache directory, and creates it.
func CacheDir(name string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w", err)
	}
	dir := filepath.Join(base, "kubectl-gitops", name)
	return dir, os.MkdirAll(dir, 0o700)
}

// compile builds into a directory beside bin and renames it, so that a build that was interrupted is never used.
func (p part) compile(ctx context.Context, log io.Writer, src, bin string) error {
	started := time.Now()
	fmt.Fprintf(log, "Building Kubernetes %s (%s) from Go modules.\n"+
		"The first time this takes about %s on two cores; the result is kept in\n%s\n", Version, strings.Join(p.binaries, ", "), p.patience, bin)
	tmp := bin + ".building" // ours alone: the caller holds the lock
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	const v = "k8s.io/component-base/version."
	minor := strings.Split(strings.TrimPrefix(Version, "v"), ".")
	ldflags := fmt.Sprintf("-s -w -X %sgitVersion=%s -X %sgitMajor=%s -X %sgitMinor=%s", v, Version, v, minor[0], v, minor[1])
	cmd := goCommand(ctx, src, "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags="+ldflags, "-o", tmp+"/", "./"+p.dir+"/...")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build the %s: %w", p.name, err)
	}
	tail := follow(log, stderr, started)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("build the %s: %w\n%s", p.name, err, tail)
	}
	if err := os.Rename(tmp, bin); err != nil {
		return fmt.Errorf("keep the %s: %w", p.name, err)
	}
	fmt.Fprintf(log, "Built in %s.\n", time.Since(started).Round(time.Second))
	return nil
}

// follow reads what `go build -v` prints, reports progress, and returns the last lines for an error message.
func follow(log io.Writer, stderr io.Reader, started time.Time) string {
	var packages atomic.Int64
	done := make(chan struct{})
	defer close(done)
	go func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				fmt.Fprintf(log, "  %d packages compiled, %s\n", packages.Load(), time.Since(started).Round(time.Second))
			}
		}
	}()
	const keep = 40
	var tail []string
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		packages.Add(1)
		if tail = append(tail, lines.Text()); len(tail) > keep {
			tail = tail[1:]
		}
	}
	return strings.Join(tail, "\n")
}

func (p part) built(bin string) bool {
	for _, name := range p.binaries {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return false
		}
	}
	return true
}

// sources returns plugin/e2e/controlplane of the checkout that the working directory belongs to.
func sources(ctx context.Context) (string, error) {
	out, err := goCommand(ctx, "", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	for dir := filepath.Dir(strings.TrimSpace(string(out))); ; dir = filepath.Dir(dir) {
		for _, rel := range []string{"controlplane", "plugin/e2e/controlplane"} {
			src := filepath.Join(dir, rel)
			if _, err := os.Stat(filepath.Join(src, "cmd", "kube-apiserver", "main.go")); err == nil {
				return src, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no plugin/e2e/controlplane above the working directory")
		}
	}
}

// key changes with the sources of the part, the modules' versions and the toolchain.
func (p part) key(ctx context.Context, src string) (string, error) {
	toolchain, err := goCommand(ctx, src, "env", "GOVERSION", "GOOS", "GOARCH").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n", Version, toolchain)
	for _, name := range []string{p.dir, "go.mod", "go.sum"} {
		err := filepath.WalkDir(filepath.Join(src, name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(src, path)
			fmt.Fprintf(sum, "%s %d\n%s", filepath.ToSlash(rel), len(data), data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	return cmd
}
