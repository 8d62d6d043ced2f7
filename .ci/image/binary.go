package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	module     = "github.com/kubectl-gitops/kubectl-gitops"
	binaryName = "kubectl-gitops"
)

// binary is the program for one platform and what it says about itself.
type binary struct {
	platform v1.Platform
	data     []byte
	info     *debug.BuildInfo
	version  string // Semantic Versioning, without "v"
	revision string // commit, empty outside a repository
	time     time.Time
}

// compile builds ./cmd/kubectl-gitops of the checkout dir for a platform such as linux/arm64 and reads it back. All
// that could make two builds of one commit differ is fixed: paths, C, instruction sets, the caller's flags.
func compile(ctx context.Context, log io.Writer, dir, to, platform, version string) (binary, error) {
	system, arch, ok := strings.Cut(platform, "/")
	if !ok || system != "linux" {
		return binary{}, fmt.Errorf("platform %q: use linux/ARCHITECTURE", platform)
	}
	ldflags := "-s -w"
	if version != "" {
		ldflags += " -X " + module + "/plugin.linkedVersion=" + strings.TrimPrefix(version, "v")
	}
	path := filepath.Join(to, arch, binaryName)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=auto", "-ldflags", ldflags, "-o", path, "./cmd/"+binaryName)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch,
		"CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
	fmt.Fprintf(log, "go build %s for %s\n", binaryName, platform)
	if text, err := cmd.CombinedOutput(); err != nil {
		return binary{}, fmt.Errorf("build %s for %s: %w\n%s", binaryName, platform, err, text)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return binary{}, err
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return binary{}, fmt.Errorf("read what %s says about itself: %w", path, err)
	}
	b := binary{platform: v1.Platform{OS: system, Architecture: arch}, data: data, info: info, version: version}
	return b, b.read(ctx, dir)
}

// read takes version, commit and time from the binary, so that they cannot differ from what it says itself. Go leaves
// commit and time out of what it builds in a linked worktree: then git says them. Outside a repository the time is 1970.
func (b *binary) read(ctx context.Context, dir string) error {
	b.time = time.Unix(0, 0).UTC()
	modified := false
	for _, s := range b.info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		case "vcs.time":
			t, err := time.Parse(time.RFC3339, s.Value)
			if err != nil {
				return fmt.Errorf("time of the commit: %w", err)
			}
			b.time = t.UTC()
		}
	}
	if b.revision == "" {
		out, err := exec.CommandContext(ctx, "git", "-C", dir, "log", "-1", "--format=%H %ct").Output()
		var seconds int64
		if _, bad := fmt.Sscan(string(out), &b.revision, &seconds); err == nil && bad == nil {
			b.time = time.Unix(seconds, 0).UTC()
		}
	}
	if modified {
		b.revision += "-modified"
	}
	if b.version == "" {
		b.version = b.info.Main.Version
	}
	b.version = strings.TrimPrefix(b.version, "v")
	if b.version == "" || b.version == "(devel)" {
		b.version = "0.0.0-dev"
	}
	return nil
}
