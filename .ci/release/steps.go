package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

// A release is three steps, and each refuses to be taken before the one it needs:
//
//	prepare   builds the action and commits its digests in action/checksums.txt
//	tag       builds it again, compares, and tags that commit
//	publish   at the tag, builds everything, compares once more, and leaves the files in dist
//
// So the commit that is tagged names the bytes that its users run, and whoever pins the commit pins those.

// tablePath is where the bootstrap script of the action looks for digests.
const tablePath = "action/checksums.txt"

const tableHead = `# SHA-256 of the binaries of this version, written by the release. Without a line for its platform a runner builds
# the binary from source.
`

// step is what the three have in common.
type step struct {
	builder
	platforms []binary.Platform
}

func (s step) tag() string { return "v" + s.version }

// prepare commits the digests of a version that has a section in CHANGELOG.md and no tag yet.
func (s step) prepare(ctx context.Context) error {
	if err := errors.Join(s.validVersion(), s.clean(ctx), s.untagged(ctx), s.newer(ctx), s.described()); err != nil {
		return err
	}
	table, err := s.table(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, filepath.FromSlash(tablePath)), table, 0o644); err != nil {
		return err
	}
	if _, err := s.git(ctx, "add", tablePath); err != nil {
		return err
	}
	_, err = s.git(ctx, "commit", "--quiet", "--message", "Release "+s.tag()+"\n\nThe digests of the action's binaries, which its users check.")
	return err
}

// tagIt tags the commit that prepare made, if it is still the last one and its digests can be reproduced.
func (s step) tagIt(ctx context.Context) error {
	if err := errors.Join(s.validVersion(), s.clean(ctx), s.untagged(ctx)); err != nil {
		return err
	}
	head, err := s.git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	last, err := s.git(ctx, "log", "-1", "--format=%H", "--", tablePath)
	if err != nil {
		return err
	}
	if head != last {
		return fmt.Errorf("the last commit does not change %s: run `prepare %s` again, since the code may have changed since", tablePath, s.version)
	}
	if err := s.reproduced(ctx); err != nil {
		return err
	}
	_, err = s.git(ctx, "tag", "--annotate", "--message", s.tag(), s.tag())
	return err
}

// publish makes the files of the release, at its tag only.
func (s step) publish(ctx context.Context) (map[string][]byte, error) {
	if err := errors.Join(s.validVersion(), s.clean(ctx)); err != nil {
		return nil, err
	}
	tags, err := s.git(ctx, "tag", "--points-at", "HEAD")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(strings.Fields(tags), s.tag()) {
		return nil, fmt.Errorf("the last commit does not have the tag %s: run `tag %s`, or check the tag out", s.tag(), s.version)
	}
	if err := s.reproduced(ctx); err != nil {
		return nil, err
	}
	return s.assets(ctx, []string{binary.Plugin, binary.Action}, s.platforms)
}

// reproduced builds the action and compares it with the committed digests.
func (s step) reproduced(ctx context.Context) error {
	committed, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(tablePath)))
	if err != nil {
		return err
	}
	if !bytes.Contains(committed, []byte(" "+binary.Action+"_"+s.version+"_")) {
		return fmt.Errorf("%s has no digests of %s: run `prepare %s` first", tablePath, s.version, s.version)
	}
	table, err := s.table(ctx)
	if err != nil || bytes.Equal(table, committed) {
		return err
	}
	return fmt.Errorf("%s does not fit what is built here, so it must not be released:\n--- committed\n%s--- built\n%s", tablePath, committed, table)
}

// table builds the action for every platform and lists the digests.
func (s step) table(ctx context.Context) ([]byte, error) {
	files, err := s.assets(ctx, []string{binary.Action}, s.platforms)
	if err != nil {
		return nil, err
	}
	goVersion, err := s.run(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	out := bytes.NewBufferString(tableHead + "# Built with " + goVersion + "\n")
	lines := bufio.NewScanner(bytes.NewReader(files["checksums.txt"]))
	for lines.Scan() {
		if !strings.HasSuffix(lines.Text(), ".json") {
			fmt.Fprintln(out, lines.Text())
		}
	}
	return out.Bytes(), lines.Err()
}

func (s step) validVersion() error {
	if !semver.IsValid(s.tag()) || strings.Count(s.version, ".") < 2 || strings.Contains(s.version, "+") {
		return fmt.Errorf("%q is not a version such as 1.2.3", s.version)
	}
	return nil
}

func (s step) clean(ctx context.Context) error {
	changed, err := s.git(ctx, "status", "--porcelain")
	if err == nil && changed != "" {
		err = fmt.Errorf("the checkout has changes that no commit has:\n%s", changed)
	}
	return err
}

func (s step) untagged(ctx context.Context) error {
	found, err := s.git(ctx, "tag", "--list", s.tag())
	if err == nil && found != "" {
		err = fmt.Errorf("the tag %s exists: a version is released once", s.tag())
	}
	return err
}

// newer compares with the highest version that is tagged. The tag v1, which moves, is not a version.
func (s step) newer(ctx context.Context) error {
	tags, err := s.git(ctx, "tag", "--list", "v*.*.*")
	if err != nil {
		return err
	}
	for _, tag := range strings.Fields(tags) {
		if semver.IsValid(tag) && semver.Compare(tag, s.tag()) > 0 {
			return fmt.Errorf("%s is older than the tag %s", s.tag(), tag)
		}
	}
	return nil
}

func (s step) described() error {
	text, err := os.ReadFile(filepath.Join(s.dir, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if !regexp.MustCompile(`(?m)^## ` + regexp.QuoteMeta(s.version) + `( |$)`).Match(text) {
		return fmt.Errorf("CHANGELOG.md has no section `## %s`: write what changed first", s.version)
	}
	return nil
}

func (s step) git(ctx context.Context, args ...string) (string, error) {
	return s.run(ctx, "git", args...)
}

func (s step) run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = s.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", program, args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
