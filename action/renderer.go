package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// The pull half renders. The two halves share no package, so the action runs its program: without the token, without the environment
// of the step, and with limits of time and of output.

const (
	rendererName  = "kubectl-gitops"
	maxRender     = 10 * time.Minute
	maxRendered   = 16 << 20
	maxRenderNote = 2000
)

var errNoRenderer = errors.New("kubectl-gitops is not on this runner")

// rendererPath finds the program: the input, PATH, beside this program, or the runner's tool cache.
func rendererPath(input string, getenv func(string) string) (string, error) {
	if input != "" {
		info, err := os.Stat(input)
		if err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
			return "", fmt.Errorf("input kubectl-gitops-path: %s is not an executable file", input)
		}
		return filepath.Abs(input)
	}
	if found, err := exec.LookPath(rendererName); err == nil {
		return filepath.Abs(found)
	}
	var candidates []string
	if self, err := os.Executable(); err == nil {
		candidates = append(candidates, filepath.Join(filepath.Dir(self), rendererName))
	}
	if cache := getenv("RUNNER_TOOL_CACHE"); cache != "" {
		found, err := filepath.Glob(filepath.Join(cache, rendererName, "*", runtime.GOARCH, rendererName))
		if err == nil && len(found) > 0 {
			candidates = append(candidates, found[len(found)-1])
		}
	}
	for _, c := range candidates {
		if info, err := os.Stat(c); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return c, nil
		}
	}
	return "", hint.With(errNoRenderer, "put it on PATH, or name it with the kubectl-gitops-path input")
}

// rendering compares two directories, head and base below dir, with the program.
type rendering struct {
	program, dir string
	roots        []string // directories of the repository that are rendered; none is all of it
	plainSecrets bool
}

// rootsOf returns the directories that patterns name in dir/head or dir/base. Without patterns it returns none, which stands for the
// whole repository.
func rootsOf(dir string, patterns []string) []string {
	var out []string
	for _, side := range []string{"head", "base"} {
		root, err := os.OpenRoot(filepath.Join(dir, side))
		if err != nil {
			continue
		}
		for _, pattern := range patterns {
			for _, found := range directoriesOf(root, pattern) {
				if !slices.Contains(out, found) {
					out = append(out, found)
				}
			}
		}
		_ = root.Close()
	}
	if len(out) == 0 && len(patterns) > 0 {
		return patterns // the program says what is there instead
	}
	return out
}

// directoriesOf returns the directories that a path or pattern stands for. Files cannot be rendered, and are left out.
func directoriesOf(root *os.Root, pattern string) []string {
	if !glob.IsPattern(pattern) {
		if info, err := root.Stat(pattern); err == nil && !info.IsDir() {
			return nil
		}
		return []string{pattern}
	}
	re, err := glob.Regexp(pattern)
	if err != nil {
		return nil
	}
	var out []string
	_ = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case d.Name() == ".git":
			return fs.SkipDir
		case re.MatchString(p):
			out = append(out, p)
			return fs.SkipDir
		}
		return nil
	})
	return out
}

// compare runs the program once, and takes the temporary directory out of its error.
func (r rendering) compare(ctx context.Context, base, head string, args ...string) (string, error) {
	all := append([]string{"preview", "--base", base, "--head", head}, args...)
	if r.plainSecrets {
		all = append(all, "--allow-plain-secrets")
	}
	text, err := render(ctx, r.program, r.dir, all...)
	if err != nil {
		return "", errors.New(strings.ReplaceAll(err.Error(), head+string(filepath.Separator), ""))
	}
	return text, nil
}

func isDirectory(dir, name string) bool {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false
	}
	defer root.Close()
	info, err := root.Stat(name)
	return err == nil && info.IsDir()
}

// markdown returns the preview of all roots together, of about so many bytes at most. One run of the program makes it, because whether
// a change is image-only is a question about the whole repository.
func (r rendering) markdown(ctx context.Context, most int) (string, error) {
	base, head := filepath.Join(r.dir, "base"), filepath.Join(r.dir, "head")
	var args []string
	for _, root := range r.roots {
		if isDirectory(base, root) || isDirectory(head, root) || len(r.roots) == 1 {
			args = append(args, "--path", root)
		}
	}
	if len(args) == 0 && len(r.roots) > 0 {
		args = []string{"--path", r.roots[0]} // the program says what is there instead
	}
	return r.compare(ctx, base, head, append(args, "-o", "markdown", "--max-bytes", strconv.Itoa(most))...)
}

// limitedBuffer keeps the beginning of what is written.
type limitedBuffer struct {
	bytes.Buffer
	limit int
	over  bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if rest := b.limit - b.Len(); len(p) > rest {
		b.over = true
		b.Buffer.Write(p[:max(rest, 0)])
		return len(p), nil
	}
	return b.Buffer.Write(p)
}

// render runs the program in dir and returns what it printed. An exit status of 1 with output is no error: it says that an app of
// head cannot be rendered.
func render(ctx context.Context, program, dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRender)
	defer cancel()
	out, notes := &limitedBuffer{limit: maxRendered}, &limitedBuffer{limit: maxRenderNote}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, notes
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir, "NO_COLOR=1"}
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("kubectl-gitops %s: not done after %s", args[0], maxRender)
	case out.over:
		return "", fmt.Errorf("kubectl-gitops %s: it printed more than %d MiB", args[0], maxRendered>>20)
	case err == nil, errors.As(err, &exit) && exit.ExitCode() == 1 && out.Len() > 0:
		return out.String(), nil
	}
	return "", fmt.Errorf("kubectl-gitops %s: %w: %s", args[0], err, display.OneLine(notes.String()))
}
