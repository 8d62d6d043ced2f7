package plugin

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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// pair is one object that differs, masked, with the unified diff of its states, empty when they look the same, and a
// line of what that does not show.
type pair struct {
	effect        report.Effect
	before, after *unstructured.Unstructured
	text, note    string
}

// showPairs prints the differences, or lets KUBECTL_EXTERNAL_DIFF do it; the notes are ours in either case.
func showPairs(ctx context.Context, u *ui, pairs []pair) error {
	program := os.Getenv("KUBECTL_EXTERNAL_DIFF")
	for _, p := range pairs {
		if p.note != "" {
			if _, err := fmt.Fprintln(u.Out, u.clean(p.note)); err != nil {
				return err
			}
		}
		if program != "" {
			continue
		}
		if err := printText(u.Out, u.colorOut, p.text); err != nil {
			return err
		}
	}
	if program != "" && len(pairs) > 0 {
		return externalDiff(ctx, u, program, pairs)
	}
	return nil
}

// plainArgument is what kubectl passes on from KUBECTL_EXTERNAL_DIFF besides the program's name.
var plainArgument = regexp.MustCompile(`^[a-zA-Z0-9-=]+$`)

// externalDiff runs a program on two directories, LIVE and MERGED, with one file per object: as kubectl diff does.
// The program's exit code 1 means that it showed differences.
func externalDiff(ctx context.Context, u *ui, program string, pairs []pair) error {
	dir, err := os.MkdirTemp("", "gitops-diff-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	live, merged := filepath.Join(dir, "LIVE"), filepath.Join(dir, "MERGED")
	for _, p := range pairs {
		name := strings.ReplaceAll(p.effect.Ref.ID(), "/", ".")
		if err := errors.Join(writeState(live, name, p.before), writeState(merged, name, p.after)); err != nil {
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
	cmd.Stdout, cmd.Stderr = u.Out, u.Err
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
