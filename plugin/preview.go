package plugin

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview/pairing"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

const (
	formatMarkdown = "markdown"
	formatText     = "text"

	// markdownBytes fits a comment of GitHub (65,536 characters) with something around it.
	markdownBytes = 60_000
)

type previewOptions struct {
	source   target.Flags
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
		Short: "Show which objects a change of the repository changes, without a cluster",
		Long: `Render two states of the config repository and show which objects differ, for
the review of a pull request. preview needs no cluster and writes nothing.
Values of Secrets are masked.

--base and --head each name a branch, a tag or a full commit of the current
checkout, or a directory with the files of the repository. Without --head, the
head is the working tree with its uncommitted changes. Without --base, the base
is the commit that is checked out.

Without --path, preview compares all apps of every gitops.yaml in the
repository. In a repository without gitops.yaml, it compares every chart, every
directory of manifests, and every kustomization that no other kustomization
uses. preview lists changed files that no app is rendered from. --path limits it
to one directory, or several.

A change is image-only when only tags or digests of the same images differ in
the whole repository. It is not image-only when a setting of an app changed, or
a file that no app is rendered from. The exit status is 1 when an app of the
head cannot be rendered.`,
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
	fs.StringVar(&o.base, "base", "HEAD", "State before the change: a branch, tag, commit or directory")
	fs.StringVar(&o.head, "head", "", "State after the change: a branch, tag, commit or directory (default the working tree)")
	fs.StringArrayVar(&o.paths, "path", nil, "Directory in the repository, repeatable (default the whole repository)")
	fs.StringVar(&o.source.Name, "name", "", "Name of the app (default the last element of --path)")
	fs.StringVar(&o.source.Namespace, "target-namespace", "", "Namespace for objects that name none")
	fs.BoolVar(&o.source.AllowPlainSecrets, "allow-plain-secrets", false, "Accept Secrets with plain data in Git")
	o.source.Limits.Add(fs)
	o.source.AddFetching(fs)
	fs.StringVar(&o.source.AgeKeyFile, "age-key-file", "", "File with the age key that decrypts SOPS files")
	fs.IntVar(&o.maxBytes, "max-bytes", 0, "Leave out diffs beyond this size, and report that (default 60000 for markdown, else no limit)")
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
	o.source.Timeout = app.DefaultTimeout
	o.exact = cmd.Flags().Changed("path")
	if len(o.paths) > 1 && (o.source.Name != "" || o.source.Namespace != "") {
		return hint.Errorf("--name and --target-namespace are about one app", "give --path once")
	}
	return nil
}

func (o *previewOptions) run(ctx context.Context, c *cli) error {
	base, err := target.OpenState(ctx, "--base", o.base, o.source.Limits)
	if err != nil {
		return err
	}
	defer base.Close()
	head, err := target.OpenState(ctx, "--head", o.head, o.source.Limits)
	if err != nil {
		return err
	}
	defer head.Close()
	u := c.ui()
	compared, err := o.compare(ctx, u, base, head)
	if err != nil {
		return err
	}
	p := preview.Preview{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "Preview"}, Base: sideOf(base), Head: sideOf(head),
		NotRendered: compared.NotRendered, Outside: compared.Outside}
	p.Sum(compared.Apps)
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

// sideOf names a state in the document.
func sideOf(s target.State) preview.Side { return preview.Side{Ref: s.Ref, Commit: s.Commit} }

// compare compares the two states in the directories that --path names.
func (o *previewOptions) compare(ctx context.Context, u *ui.Terminal, base, head target.State) (pairing.Result, error) {
	if base.Commit != "" || o.head == "" { // a state of the checkout: we may stand below its top
		if below := target.Below(); !o.exact && below != "." {
			o.paths, o.exact = []string{below}, true
		}
	}
	paths := o.paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	say := notices(u)
	say.Warn = once(say.Warn) // two renders of an app warn of the same
	in := pairing.Input{Base: filesOf(base), Head: filesOf(head), Render: o.source.Renderer(say), Exact: o.exact}
	for _, dir := range paths {
		app, err := o.appIn(dir)
		if err != nil {
			return pairing.Result{}, err
		}
		in.Apps = append(in.Apps, app)
	}
	return pairing.Compare(ctx, in)
}

func filesOf(s target.State) pairing.State { return pairing.State{Root: s.Root, Ignored: s.Ignored} }

// appIn is the app that the flags describe in a directory.
func (o *previewOptions) appIn(dir string) (app.App, error) {
	f := o.source
	if f.Path = dir; dir == "." && f.Name == "" {
		f.Name = "repository" // the name of a temporary directory would differ each time
	}
	return f.App()
}

// once returns a function that hands each text on the first time it is called with it. Several goroutines may call it.
func once(tell func(string)) func(string) {
	var said sync.Map
	return func(text string) {
		if _, before := said.LoadOrStore(text, true); !before {
			tell(text)
		}
	}
}
