package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/config"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
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
	output   outputFlags
	base     string
	head     string
	maxBytes int
}

func newPreviewCommand(c *cli) *cobra.Command {
	o := &previewOptions{output: outputFlags{format: formatText, only: []string{formatText, formatMarkdown, formatJSON}}}
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show what a change of the repository means, without a cluster",
		Long: `Render two states of the config repository and show which objects differ, as a
review of a pull request wants to know it. No cluster is asked, nothing is
written. Values of Secrets are masked.

--base and --head each name a branch, tag or full commit of the checkout we
stand in, or a directory that holds the repository's files. Without --head it
is the working tree, uncommitted changes included; without --base the commit
that is checked out. With a gitops.yaml in --path, all its apps are compared.

The change is image-only when other tags or digests of the same images are all
that differs. The exit status is 1 when an app of the head cannot be rendered.`,
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
	fs.StringVar(&o.source.path, "path", ".", "Directory in the repository")
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
	if o.output.format == formatMarkdown && !cmd.Flags().Changed("max-bytes") {
		o.maxBytes = markdownBytes
	}
	o.source.timeout = reconcile.DefaultTimeout
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
	apps, err := o.compare(ctx, u, base, head)
	if err != nil {
		return err
	}
	p := preview.Preview{TypeMeta: metav1.TypeMeta{APIVersion: apiVersion, Kind: "Preview"}, Base: base.name, Head: head.name}
	p.Sum(apps)
	if err := o.print(u, p); err != nil {
		return err
	}
	if p.AppCounts.Failed > 0 {
		return errReported
	}
	return nil
}

func (o *previewOptions) print(u *ui, p preview.Preview) error {
	switch o.output.format {
	case formatMarkdown:
		_, err := io.WriteString(u.Out, preview.Markdown(p, o.maxBytes))
		return err
	case formatJSON:
		p.Limit(o.maxBytes)
		return printJSON(u.Out, p)
	}
	p.Limit(o.maxBytes)
	return u.previewText(p)
}

// side is one of the two states that are compared.
type side struct {
	root  *os.Root
	name  preview.Side
	close func()
}

// open makes the files of a ref or of a directory readable.
func (o *previewOptions) open(ctx context.Context, flag, value string) (side, error) {
	top, _, worktreeErr := source.WorkTree(workingDirectory())
	if value == "" {
		if worktreeErr != nil {
			return side{}, hint.Errorf("this is no Git checkout", "name two directories, --base DIR --head DIR, or change into a checkout")
		}
		return openSide(top)
	}
	named := source.Repo{URL: top, Ref: value, Limits: o.source.limits.source()}
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
	return side{tree.Root, preview.Side{Ref: value, Commit: commit}, tree.Close}, nil
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
func (o *previewOptions) compare(ctx context.Context, u *ui, base, head side) ([]preview.App, error) {
	if base.name != (preview.Side{}) || o.head == "" { // a state of the checkout: we may stand below its top
		if _, rel, err := openCheckout(workingDirectory()); err == nil && o.source.path == "." {
			o.source.path = rel
		}
	}
	if o.source.path == "." && o.source.name == "" {
		o.source.name = "repository" // the name of a temporary directory would differ each time
	}
	app, err := o.source.appOf()
	if err != nil {
		return nil, err
	}
	if !hasDirectory(base.root, app.Path) && !hasDirectory(head.root, app.Path) {
		_, err := render.Dir(ctx, head.root, app.Path, render.Options{}) // it says what is there instead
		return nil, err
	}
	pairs, broken := listPairs(base, head, app)
	if broken != nil {
		file := path.Join(app.Path, config.Name)
		failed := preview.Rendering{Name: config.Name, Path: file, Err: broken}
		return []preview.App{preview.CompareApp(preview.Rendering{}, failed, hint.Of(broken))}, nil
	}
	return comparePairs(ctx, o.source.renderer(u), base, head, pairs)
}

// appPair is one app as each side describes it; nil where it has none.
type appPair struct{ base, head *reconcile.App }

// listPairs pairs the apps that gitops.yaml names on either side, by name, in the order of the head. A side without
// such a file is rendered as the other one lists it; without any, app is all there is. An error is about the head's.
func listPairs(base, head side, app reconcile.App) ([]appPair, error) {
	after, listed, err := config.Load(head.root, app.Path)
	if err != nil {
		return nil, err
	}
	before, wasListed, err := config.Load(base.root, app.Path)
	if err != nil {
		wasListed = false // the base's mistakes are being left behind
	}
	switch {
	case !listed && !wasListed:
		return []appPair{{&app, &app}}, nil
	case !listed:
		after = before
	case !wasListed:
		before = after
	}
	var pairs []appPair
	for i, h := range after {
		pair := appPair{head: &after[i]}
		if j := slices.IndexFunc(before, func(b reconcile.App) bool { return b.Name == h.Name }); j >= 0 {
			pair.base = &before[j]
		}
		pairs = append(pairs, pair)
	}
	for i, b := range before {
		if !slices.ContainsFunc(after, func(h reconcile.App) bool { return h.Name == b.Name }) {
			pairs = append(pairs, appPair{base: &before[i]})
		}
	}
	return pairs, nil
}

type renderFunc func(context.Context, *os.Root, string, render.Options) ([]render.Object, error)

func comparePairs(ctx context.Context, dir renderFunc, base, head side, pairs []appPair) ([]preview.App, error) {
	apps := make([]preview.App, len(pairs))
	err := inParallel(ctx, rendersAtOnce, len(pairs), func(i int) {
		b := renderSide(ctx, dir, base.root, pairs[i].base, true)
		h := renderSide(ctx, dir, head.root, pairs[i].head, false)
		apps[i] = preview.CompareApp(b, h, hint.Of(h.Err))
	})
	return apps, err
}

// renderSide renders an app of one side. Plain Secrets of the base are accepted: it is being left.
func renderSide(ctx context.Context, dir renderFunc, root *os.Root, app *reconcile.App, isBase bool) preview.Rendering {
	if app == nil {
		return preview.Rendering{}
	}
	r := preview.Rendering{Name: app.Name, Path: app.Path, Namespace: app.Namespace, KeepAll: app.KeepRemoved}
	if r.Present = hasDirectory(root, app.Path); !r.Present {
		return r
	}
	options := app.RenderOptions()
	options.AllowPlainSecrets = app.AllowPlainSecrets || isBase
	r.Objects, r.Err = dir(ctx, root, app.Path, options)
	if errors.Is(r.Err, render.ErrEmpty) && isBase {
		r.Err = nil
	}
	return r
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
