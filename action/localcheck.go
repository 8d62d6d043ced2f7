package action

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// runLocalCheck looks through a checkout. It exits with 1 when it finds a problem.
func runLocalCheck(ctx context.Context, args []string, s Streams) int {
	var p checkPolicy
	var paths, ignore repeated
	var dir, output string
	fset := flag.NewFlagSet("check", flag.ContinueOnError)
	fset.SetOutput(io.Discard)
	fset.StringVar(&dir, "dir", ".", "")
	fset.Var(&paths, "path", "")
	fset.Var(&ignore, "ignore", "")
	fset.StringVar(&p.floating, "floating-tags", "error", "")
	fset.BoolVar(&p.plainSecrets, "allow-plain-secrets", false, "")
	fset.StringVar(&output, "o", "text", "")
	fset.StringVar(&output, "output", "text", "")
	err := fset.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(s.Out, usage)
		return ExitOK
	}
	errs := []error{err}
	for _, list := range []struct {
		from repeated
		to   *[]string
	}{{paths, &p.paths}, {ignore, &p.ignore}} {
		for _, v := range list.from {
			clean, err := glob.Clean(v)
			*list.to, errs = append(*list.to, clean), append(errs, err)
		}
	}
	switch {
	case err != nil:
	case fset.NArg() > 0:
		errs = append(errs, fmt.Errorf("unexpected argument %q", fset.Arg(0)))
	case output != "text" && output != "json":
		errs = append(errs, fmt.Errorf("output %q is unknown; use text or json", output))
	case !slices.Contains([]string{"error", "warning", "off"}, p.floating):
		errs = append(errs, fmt.Errorf("floating-tags %q is unknown; use error, warning or off", p.floating))
	}
	if err := errors.Join(errs...); err != nil {
		printError(s.Err, hint.With(err, "see gitops-action --help"))
		return ExitMisused
	}
	return reportLocalCheck(ctx, p, dir, output, s)
}

func reportLocalCheck(ctx context.Context, p checkPolicy, dir, output string, s Streams) int {
	found, scanned, err := checkDirectory(dir, p)
	if err == nil {
		if p.renderer, err = rendererPath("", s.Getenv); errors.Is(err, errNoRenderer) {
			fmt.Fprintln(s.Err, "note: apps were not rendered: kubectl-gitops is not on PATH")
			err = nil
		} else if err == nil {
			found, err = renderCheckout(ctx, p, dir, found)
		}
	}
	if err != nil {
		printError(s.Err, err)
		return ExitFailed
	}
	sortFindings(found)
	if output == "json" {
		enc := json.NewEncoder(s.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(map[string]any{"findings": append([]Finding{}, found...), "files": scanned})
	} else {
		for _, f := range found {
			fmt.Fprintln(s.Out, display.Log(f.String()))
		}
		fmt.Fprintf(s.Out, "%s in %s\n", display.Count(len(found), "problem"), display.Count(scanned, "file"))
	}
	if err != nil || problems([]Result{{Findings: found}}) != nil {
		return ExitFailed
	}
	return ExitOK
}

// renderCheckout adds the apps of a checkout that cannot be rendered.
func renderCheckout(ctx context.Context, p checkPolicy, dir string, found []Finding) ([]Finding, error) {
	head, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "gitops-action-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary directory: %w", err)
	}
	defer os.RemoveAll(scratch)
	if err := errors.Join(os.Mkdir(filepath.Join(scratch, "base"), 0o700), os.Symlink(head, filepath.Join(scratch, "head"))); err != nil {
		return nil, fmt.Errorf("make a temporary directory: %w", err)
	}
	more, _, err := checkRendering(ctx, p, scratch)
	return append(found, more...), err
}
