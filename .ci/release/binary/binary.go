// Package binary compiles one of the programs so that the same commit, Go version and version number give the same
// bytes, and reads back what the result says about itself. It does NOT sign, pack or publish anything.
package binary

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"
)

// Module is the module of both programs.
const Module = "github.com/kubectl-gitops/kubectl-gitops"

// The programs.
const (
	Plugin = "kubectl-gitops"
	Action = "gitops-action"
)

// Platform is an operating system and an architecture, by Go's names.
type Platform struct{ OS, Arch string }

// ParsePlatform reads a platform such as linux/amd64.
func ParsePlatform(s string) (Platform, error) {
	system, arch, ok := strings.Cut(s, "/")
	if !ok || system == "" || arch == "" || strings.ContainsAny(arch, "/ ") {
		return Platform{}, fmt.Errorf("platform %q: write SYSTEM/ARCHITECTURE, such as linux/amd64", s)
	}
	return Platform{system, arch}, nil
}

func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Executable is what the program is called on the platform.
func (p Platform) Executable(program string) string {
	if p.OS == "windows" {
		return program + ".exe"
	}
	return program
}

// Binary is a program for one platform and what it says about itself.
type Binary struct {
	Program  string
	Platform Platform
	Data     []byte
	Info     *debug.BuildInfo
	Version  string    // Semantic Versioning, without "v"
	Revision string    // commit, empty outside a repository
	Time     time.Time // of the commit, 1970 outside a repository
}

// Digest is the SHA-256 of the program in hexadecimal digits.
func (b Binary) Digest() string {
	sum := sha256.Sum256(b.Data)
	return hex.EncodeToString(sum[:])
}

// packages are where the programs keep the version that the linker sets.
var packages = map[string]string{Plugin: "plugin", Action: "action"}

// Compile builds ./cmd/PROGRAM of the checkout dir into the file at path. version may be empty: then Go takes it from the
// last tag. All that could make two builds of one commit differ is fixed: paths, C, instruction sets, the caller's flags.
//
// The commit is left out of the action: its digest is part of the commit that is released, so that one pin covers both.
func Compile(ctx context.Context, log io.Writer, dir, path, program string, p Platform, version string) (Binary, error) {
	ldflags, stamp := "-s -w", "-buildvcs=auto"
	if version != "" {
		ldflags += " -X " + Module + "/" + packages[program] + ".linkedVersion=" + strings.TrimPrefix(version, "v")
	}
	if program == Action {
		stamp = "-buildvcs=false"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", stamp, "-ldflags", ldflags, "-o", path, "./cmd/"+program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+p.OS, "GOARCH="+p.Arch,
		"CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
	fmt.Fprintf(log, "go build %s for %s\n", program, p)
	if text, err := cmd.CombinedOutput(); err != nil {
		return Binary{}, fmt.Errorf("build %s for %s: %w\n%s", program, p, err, text)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Binary{}, err
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return Binary{}, fmt.Errorf("read what %s says about itself: %w", path, err)
	}
	b := Binary{Program: program, Platform: p, Data: data, Info: info, Version: version}
	return b, b.read(ctx, dir)
}

// read takes version, commit and time from the binary, so that they cannot differ from what it says itself. Go leaves
// commit and time out of what it builds in a linked worktree, and we out of the action: then git says them.
func (b *Binary) read(ctx context.Context, dir string) error {
	b.Time = time.Unix(0, 0).UTC()
	modified := false
	for _, s := range b.Info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		case "vcs.time":
			t, err := time.Parse(time.RFC3339, s.Value)
			if err != nil {
				return fmt.Errorf("time of the commit: %w", err)
			}
			b.Time = t.UTC()
		}
	}
	if b.Revision == "" {
		out, err := exec.CommandContext(ctx, "git", "-C", dir, "log", "-1", "--format=%H %ct").Output()
		var seconds int64
		if _, bad := fmt.Sscan(string(out), &b.Revision, &seconds); err == nil && bad == nil {
			b.Time = time.Unix(seconds, 0).UTC()
		}
	}
	if modified {
		b.Revision += "-modified"
	}
	if b.Version == "" {
		b.Version = b.Info.Main.Version
	}
	b.Version = strings.TrimPrefix(b.Version, "v")
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "0.0.0-dev"
	}
	return nil
}
