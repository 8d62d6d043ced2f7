package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

// builder makes the files of a release out of the checkout dir.
type builder struct {
	dir     string
	version string // without "v"
	log     io.Writer
}

// everywhere is where a release runs.
const everywhere = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"

func parsePlatforms(list string) ([]binary.Platform, error) {
	var out []binary.Platform
	for _, s := range strings.Split(list, ",") {
		p, err := binary.ParsePlatform(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// fileName is NAME_VERSION_SYSTEM_ARCHITECTURE, to which an ending is added. Templates of krew know the tag, with its "v",
// and nothing else.
func (b builder) fileName(program string, p binary.Platform) string {
	version := b.version
	if program == binary.Plugin {
		version = "v" + version
	}
	return program + "_" + version + "_" + p.OS + "_" + p.Arch
}

// assets builds the programs for the platforms: an archive of the plugin, the bare binary of the action, a bill of
// materials for each, and checksums.txt over all. It returns them by file name.
func (b builder) assets(ctx context.Context, programs []string, platforms []binary.Platform) (map[string][]byte, error) {
	tmp, err := os.MkdirTemp("", "gitops-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	files := map[string][]byte{}
	var shared []member
	if slices.Contains(programs, binary.Plugin) {
		if shared, err = b.documents(ctx, tmp); err != nil {
			return nil, err
		}
	}
	for _, p := range platforms {
		for _, program := range programs {
			built, err := binary.Compile(ctx, b.log, b.dir, filepath.Join(tmp, p.OS, p.Arch, program), program, p, b.version)
			if err != nil {
				return nil, err
			}
			if err := b.pack(files, built, shared); err != nil {
				return nil, fmt.Errorf("pack %s for %s: %w", program, p, err)
			}
		}
	}
	files["checksums.txt"] = checksums(files)
	return files, nil
}

// pack adds the files of one binary.
func (b builder) pack(files map[string][]byte, built binary.Binary, shared []member) error {
	name := b.fileName(built.Program, built.Platform)
	bill, err := built.BillOfMaterials()
	if err != nil {
		return err
	}
	files[name+".spdx.json"] = bill
	if built.Program == binary.Action {
		files[built.Platform.Executable(name)] = built.Data
		return nil
	}
	members := append([]member{{built.Platform.Executable(built.Program), 0o755, built.Data}}, shared...)
	format, ending := tarball, ".tar.gz"
	if built.Platform.OS == "windows" {
		format, ending = zipped, ".zip"
	}
	files[name+ending], err = format(members, built.Time)
	return err
}

// documents are what goes into every archive beside the program: the licence and the manual pages.
func (b builder) documents(ctx context.Context, tmp string) ([]member, error) {
	licence, err := os.ReadFile(filepath.Join(b.dir, "LICENSE"))
	if err != nil {
		return nil, err
	}
	out := []member{{"LICENSE", 0o644, licence}}
	man := filepath.Join(tmp, "man")
	cmd := exec.CommandContext(ctx, "go", "run", "./plugin/internal/docgen", "-man", man, "-version", b.version)
	cmd.Dir = b.dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("write the manual pages: %w\n%s", err, text)
	}
	pages, err := filepath.Glob(filepath.Join(man, "*.1"))
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		out = append(out, member{"man/" + filepath.Base(page), 0o644, text})
	}
	return out, nil
}

// checksums lists files in the form that `sha256sum --check` reads.
func checksums(files map[string][]byte) []byte {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	return out.Bytes()
}

// write replaces the directory by the files.
func write(dir string, files map[string][]byte) error {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	for name, data := range files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(name, binary.Action+"_") && !strings.HasSuffix(name, ".json") {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, mode); err != nil {
			return err
		}
	}
	return nil
}
