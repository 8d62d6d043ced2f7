package plugin

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

const (
	formatMarkdown = "markdown"
	formatText     = "text"

	// markdownBytes fits a comment of GitHub (65,536 characters) with something around it.
	markdownBytes = 60_000
	// rendersAtOnce is how many apps are rendered side by side: each takes a process and its memory.
	rendersAtOnce = 2
)

type previewOptions struct {
	source   sourceFlags
	output   ui.Output
	base     string
	head     string
	paths    []string
	maxBytes int
	exact    bool // --path says which directory is meant
}

func newPreviewCommand(c *cli) *cobra.Command {
	o := &previewOptions{output: ui.Output{Format: formatText, Also: []string{formatText, formatMarkdown}}}
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show what a change of the repository means, without a cluster",
		Long: `Render two states of the config repository and show which objects differ, as a
review of a pull request wants to know it. No cluster is asked, nothing is
written. Values of Secrets are masked.

--base and --head each name a branch, tag or full commit of the checkout we
stand in, or a directory that holds the repository's files. Without --head it
is the working tree, uncommitted changes included; without --base the commit
that is checked out.

Without --path, all apps of every gitops.yaml in the repository are compared.
Where there is none, every kustomization that no other one uses, every chart and
every directory of manifests is. Changed files that nothing is rendered from are
named. --path confines it to one directory, or several.

The change is image-only when other tags or digests of the same images are all
that differs, in the whole repository: no setting of an app, and no file that
nothing is rendered from. The exit status is 1 when an app of the head cannot be rendered.`,
		Example: `  kubectl gitops preview --base main
  kubectl gitops preview --base main --head bump/api -o markdown > comment.md
  kubectl gitops preview --base ../before --head ../after --path apps/shop -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), c)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.base, "base", "HEAD", "What is: a branch, tag or commit, or a directory")
	fs.StringVar(&o.head, "head", "", "What will be: a branch, tag or commit, or a directory (default the working tree)")
	fs.StringArrayVar(&o.paths, "path", nil, "Directory in the repository, repeatable (default all of it)")
	fs.StringVar(&o.source.name, "name", "", "Name of the app (default the last element of --path)")
	fs.StringVar(&o.source.targetNamespace, "target-namespace", "", "Namespace for objects that name none")
	fs.BoolVar(&o.source.allowPlainSecrets, "allow-plain-secrets", false, "Accept Secrets with plain data in Git")
	o.source.limits.addFlags(fs)
	fs.StringVar(&o.source.ageKeyFile, "age-key-file", "", "File with the age key that decrypts what SOPS encrypted")
	fs.IntVar(&o.maxBytes, "max-bytes", 0, "Leave out diffs beyond this size, and say so (default 60000 for markdown, else no limit)")
	o.output.AddFlags(cmd)
	return cmd
}

func (o *previewOptions) validate(cmd *cobra.Command) error {
	if err := o.output.Validate(); err != nil {
		return err
	}
	if o.maxBytes < 0 {
		return hint.Errorf(fmt.Sprintf("--max-bytes %d is negative", o.maxBytes), "give a number of bytes, or 0 for no limit")
	}
	if o.output.Format == formatMarkdown && !cmd.Flags().Changed("max-bytes") {
		o.maxBytes = markdownBytes
	}
	o.source.timeout = reconcile.DefaultTimeout
	o.exact = cmd.Flags().Changed("path")
	if len(o.paths) > 1 && (o.source.name != "" || o.source.targetNamespace != "") {
		return hint.Errorf("--name and --target-namespace are about one app", "give --path once")
	}
	return nil
}

func (o *previewOptions) run(ctx context.Context, c *cli) error {
	base, err := o.open(ctx, "--base", o.base)
	if err != nil {
		return err
	}
	defer base.close()
	head, err := o.open(ctx, "--head", o.head)
	if err != nil {
		return err
	}
	defer head.close()
	u := c.ui()
	compared, apps, err := o.compare(ctx, u, base, head)
	if err != nil {
		return err
	}
	notRendered, outside := compared.notRendered(apps)
	p := preview.Preview{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "Preview"}, Base: base.name, Head: head.name,
		NotRendered: notRendered, Outside: outside}
	p.Sum(apps)
	if err := o.print(u, p); err != nil {
		return err
	}
	if p.AppCounts.Failed > 0 {
		return errReported
	}
	return nil
}

func (o *previewOptions) print(u *ui.Terminal, p preview.Preview) error {
	if o.output.Format == formatMarkdown {
		_, err := io.WriteString(u.Out, preview.Markdown(p, o.maxBytes))
		return err
	}
	p.Limit(o.maxBytes)
	var names []string
	for _, app := range p.Apps {
		names = append(names, objectNames(app.Objects)...)
	}
	if handled, err := o.output.Print(u.Out, p, names); handled || err != nil {
		return err
	}
	return ui.Preview(u, p)
}

// objectNames are the objects that differ, as -o name prints them.
func objectNames(objects []preview.Object) []string {
	var names []string
	for _, o := range objects {
		names = append(names, o.Object)
	}
	return names
}

// side is one of the two states that are compared.
type side struct {
	root    *os.Root
	name    preview.Side
	ignored func(name string, isDir bool) bool // not part of the state, although it is there; may be nil
	close   func()
}

// open makes the files of a ref or of a directory readable.
func (o *previewOptions) open(ctx context.Context, flag, value string) (side, error) {
	top, _, worktreeErr := source.WorkTree(workingDirectory())
	if value == "" {
		if worktreeErr != nil {
			return side{}, hint.Errorf("this is no Git checkout", "name two directories, --base DIR --head DIR, or change into a checkout")
		}
		s, err := openSide(top)
		s.ignored = gitIgnored(top)
		return s, err
	}
	named := source.Repo{URL: top, Ref: value, Limits: o.source.limits.within(memory.Container(os.DirFS("/")))}
	commit, err := "", worktreeErr
	if worktreeErr == nil {
		commit, err = pollLocal(ctx, &named)
	}
	switch isDir := isDirectory(value); {
	case isDir && err == nil && !strings.ContainsAny(value, `/\`):
		return side{}, hint.Errorf(fmt.Sprintf("%s %s is both a directory and a ref", flag, value),
			"write ./%s for the directory, refs/heads/%s for the branch", value, value)
	case isDir:
		return openSide(value)
	case worktreeErr != nil:
		return side{}, hint.Errorf(fmt.Sprintf("%s %s: there is no such directory, and this is no Git checkout", flag, value),
			"name a directory, or change into a checkout")
	case err != nil:
		return side{}, fmt.Errorf("%s: %w", flag, err)
	}
	tree, err := gitSource{named}.Open(ctx, commit)
	if err != nil {
		return side{}, fmt.Errorf("%s: %w", flag, err)
	}
	return side{root: tree.Root, name: preview.Side{Ref: value, Commit: commit}, close: tree.Close}, nil
}

// pollLocal finds what a ref of the checkout points at; what is no branch or tag may be one of a remote's.
func pollLocal(ctx context.Context, repo *source.Repo) (string, error) {
	commit, err := repo.Poll(ctx)
	if err == nil {
		return commit, nil
	}
	remote := *repo
	remote.Ref = "refs/remotes/" + repo.Ref
	if commit, remoteErr := remote.Poll(ctx); remoteErr == nil {
		*repo = remote
		return commit, nil
	}
	return "", err
}

func openSide(dir string) (side, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return side{}, err
	}
	return side{root: root, close: func() { root.Close() }}, nil
}

// compare renders every app of either side, and compares.
func (o *previewOptions) compare(ctx context.Context, u *ui.Terminal, base, head side) (*comparison, []preview.App, error) {
	if base.name != (preview.Side{}) || o.head == "" { // a state of the checkout: we may stand below its top
		if _, rel, err := openCheckout(workingDirectory()); err == nil && !o.exact && rel != "." {
			o.paths, o.exact = []string{rel}, true
		}
	}
	c := &comparison{render: o.source.renderer(u), base: base, head: head, opened: map[string]bool{}}
	paths := o.paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for _, dir := range paths {
		app, err := o.appIn(dir)
		if err != nil {
			return nil, nil, err
		}
		if !hasDirectory(base.root, app.Path) && !hasDirectory(head.root, app.Path) {
			_, err := render.Dir(ctx, head.root, app.Path, render.Options{}) // it says what is there instead
			return nil, nil, err
		}
		if app.Path != "." {
			c.paths = append(c.paths, app.Path)
		}
		if err := c.find(app, o.exact, len(paths) > 1); err != nil {
			return nil, nil, err
		}
	}
	if len(c.paths) < len(paths) {
		c.paths = nil // one of them is the whole repository
	}
	var err error
	if c.changed, err = changedFiles(ctx, base, head); err != nil {
		return nil, nil, err
	}
	apps, err := c.run(ctx)
	return c, apps, err
}

// appIn is the app that the flags describe in a directory.
func (o *previewOptions) appIn(dir string) (reconcile.App, error) {
	f := o.source
	if f.path = dir; dir == "." && f.name == "" {
		f.name = "repository" // the name of a temporary directory would differ each time
	}
	return f.appOf()
}

func hasDirectory(root *os.Root, dir string) bool {
	info, err := fs.Stat(root.FS(), path.Clean(dir))
	return err == nil && info.IsDir()
}

// inParallel calls work for 0 to n-1, at most limit at a time, and stops early when ctx ends.
func inParallel(ctx context.Context, limit, n int, work func(int)) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(limit, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}
