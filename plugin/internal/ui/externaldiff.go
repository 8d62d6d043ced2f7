package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
)

// plainArgument is what kubectl passes on from KUBECTL_EXTERNAL_DIFF besides the program's name.
var plainArgument = regexp.MustCompile(`^[a-zA-Z0-9-=]+$`)

// externalDiff runs a program on two directories, LIVE and MERGED, with one file per object: as kubectl diff does.
// The program's exit code 1 means that it showed differences.
func externalDiff(ctx context.Context, t *Terminal, program string, pairs []Difference) error {
	dir, err := os.MkdirTemp("", "gitops-diff-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	live, merged := filepath.Join(dir, "LIVE"), filepath.Join(dir, "MERGED")
	for _, p := range pairs {
		name := strings.ReplaceAll(p.Object, "/", ".")
		if err := errors.Join(writeState(live, name, p.Before), writeState(merged, name, p.After)); err != nil {
			return err
		}
	}
	words := strings.Fields(program)
	var args []string
	for _, w := range words[1:] {
		if plainArgument.MatchString(w) {
			args = append(args, w)
		}
	}
	cmd := exec.CommandContext(ctx, words[0], append(args, live, merged)...)
	cmd.Stdout, cmd.Stderr = t.Out, t.Err
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("KUBECTL_EXTERNAL_DIFF: %s: %w", words[0], err)
	}
	return nil
}

func writeState(dir, name string, u *unstructured.Unstructured) error {
	if err := os.MkdirAll(dir, 0o700); err != nil || u == nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(diff.YAML(diff.Normalize(u))), 0o600)
}
