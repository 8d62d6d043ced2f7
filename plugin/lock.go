package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/entries"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// lockedAtOnce is how many apps are rendered at the same time.
const lockedAtOnce = 4

type lockOptions struct {
	source  target.Flags
	output  ui.Output
	paths   []string
	upgrade bool
	check   bool
	all     bool
}

// LockList is what `lock -o json` prints: the entries of gitops.lock.yaml, and what the command changed of them.
type LockList struct {
	metav1.TypeMeta `json:",inline"`
	Items           []LockItem `json:"items"`
	UpToDate        bool       `json:"upToDate"` // nothing changed, and every app was rendered
}

// LockItem is one entry. Was is the version before: empty for a new entry, and the same for one that did not change, or only its
// digest. Version is empty for an entry that was removed.
type LockItem struct {
	URL        string `json:"url"`
	Chart      string `json:"chart,omitempty"`
	Constraint string `json:"constraint"`
	Version    string `json:"version,omitempty"`
	Digest     string `json:"digest,omitempty"`
	Was        string `json:"was,omitempty"`
	Changed    bool   `json:"changed,omitempty"`
}

func newLockCommand(c *cli) *cobra.Command {
	o := &lockOptions{}
	cmd := &cobra.Command{
		Use:   "lock [APP...]",
		Short: "Write which versions of charts and sources are meant into gitops.lock.yaml",
		Long: `Write gitops.lock.yaml at the root of the checkout: for each range of versions,
which version of the chart or tag of the source is meant, and its digest; for
each branch of a source, which commit. Runs use these versions and no others, so
a branch with an entry is not followed any more. Commit the file.

The command renders the apps of every gitops.yaml of the working tree, or those
named APP, and needs no cluster. Entries stay as they are while they fit; a
range without an entry gets the newest version. --upgrade moves them to the
newest versions and accepts versions that were published again with another
content.

With --check, the command writes nothing, and the exit status is 1 if the file
should change.`,
		Example: `  kubectl gitops lock
  kubectl gitops lock ingress --upgrade
  kubectl gitops lock --check`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.output.Validate(); err != nil {
				return err
			}
			o.source.Timeout = app.DefaultTimeout
			return o.run(cmd.Context(), c, args)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.upgrade, "upgrade", false, "Move to the newest versions, and accept what was published again")
	fs.BoolVar(&o.check, "check", false, "Write nothing; fail if the file should change")
	fs.BoolVar(&o.all, "all", false, "Also write entries for exact versions, with their digests")
	fs.StringArrayVar(&o.paths, "path", nil, "Directory with a gitops.yaml, repeatable (default the whole repository)")
	o.source.AddFetching(fs)
	fs.StringVar(&o.source.AgeKeyFile, "age-key-file", "", "File with the age key that decrypts SOPS files")
	o.output.AddFlags(cmd)
	return cmd
}

func (o *lockOptions) run(ctx context.Context, c *cli, names []string) error {
	root, err := target.OpenCheckout()
	if err != nil {
		return err
	}
	defer root.Close()
	old, err := pins.Load(root)
	if err != nil {
		return err
	}
	apps, whole, err := o.apps(root, names)
	if err != nil {
		return err
	}
	found, failed, err := o.find(ctx, c.ui(), root, apps)
	if err != nil {
		return err
	}
	lock, changes := old.Update(found, o.all, !whole || failed)
	if len(changes) > 0 && !o.check {
		if err := writeLock(root, lock); err != nil {
			return err
		}
	}
	if err := o.print(c.ui(), lock, changes, failed); err != nil {
		return err
	}
	if failed || o.check && len(changes) > 0 {
		return errReported
	}
	return nil
}

// apps lists the apps that names name, or all; whole tells that these are all of the repository.
func (o *lockOptions) apps(root *os.Root, names []string) (apps []app.App, whole bool, err error) {
	dirs := o.paths
	if len(dirs) == 0 {
		found, err := entries.Find(root.FS(), ".")
		if err != nil {
			return nil, false, err
		}
		for _, e := range found {
			if e.Kind == entries.List {
				dirs = append(dirs, e.Dir)
			}
		}
	}
	var all []app.App
	for _, dir := range dirs {
		listed, found, err := gitopsyaml.Load(root, path.Clean(dir))
		if err != nil {
			return nil, false, err
		}
		if !found {
			return nil, false, hint.Errorf(fmt.Sprintf("--path %s: there is no gitops.yaml", dir), "name a directory with one, from the root of the repository")
		}
		all = append(all, listed...)
	}
	if len(all) == 0 {
		return nil, false, hint.Errorf("there is no gitops.yaml in this repository", "gitops.lock.yaml says which versions its apps mean")
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(a app.App) bool { return a.Name == name }) {
			return nil, false, fmt.Errorf("no app %s in any gitops.yaml of this repository", name)
		}
	}
	if len(names) > 0 {
		all = slices.DeleteFunc(all, func(a app.App) bool { return !slices.Contains(names, a.Name) })
	}
	return all, len(names) == 0 && len(o.paths) == 0, nil
}

// find renders the apps and returns the charts that were fetched for them. failed tells that some app does not render: that is said, and others go on.
func (o *lockOptions) find(ctx context.Context, u *ui.Terminal, root *os.Root, apps []app.App) (found []pins.Entry, failed bool, err error) {
	n := notices(u)
	n.Fresh = o.upgrade
	n.Fetched = func(report.Event) {}
	dir := o.source.Renderer(n)
	perApp, failures := make([][]pins.Entry, len(apps)), make([]error, len(apps))
	var mu sync.Mutex
	concurrent.Each(ctx, len(apps), lockedAtOnce, func(i int) {
		options := rendering.Options(apps[i])
		options.Fetched = func(d render.Dependency) error {
			mu.Lock()
			defer mu.Unlock()
			if d.Lock == "" { // else Chart.lock says the version
				perApp[i] = append(perApp[i], pins.Entry{URL: d.Repository, Chart: d.Name, Constraint: d.Constraint, Version: d.Version, Digest: d.Digest})
			}
			return nil
		}
		options.SourceFetched = func(s render.FetchedSource) error {
			e := pins.Entry{URL: s.URL(), Constraint: s.Ref, Version: s.Version, Digest: s.Digest}
			if e.Digest == "sha1:"+e.Version {
				e.Digest = ""
			}
			if _, exact := sources.Exact(s.NamedSource); !exact {
				mu.Lock()
				defer mu.Unlock()
				perApp[i] = append(perApp[i], e)
			}
			return nil
		}
		_, failures[i] = dir(ctx, root, apps[i].Path, options)
	})
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	for i, err := range failures {
		found = append(found, perApp[i]...)
		if err != nil && !errors.Is(err, render.ErrEmpty) {
			failed = true
			u.Fail(fmt.Errorf("%s: %w", apps[i].Name, err))
		}
	}
	return found, failed, nil
}

// writeLock replaces the file in one step.
func writeLock(root *os.Root, lock pins.Lock) error {
	text, err := lock.Encode()
	if err != nil {
		return err
	}
	const temporary = pins.Name + ".new"
	f, err := root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.Errorf(temporary+" exists", "another `kubectl gitops lock` runs, or was cut off: remove the file")
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(temporary, pins.Name)
	}
	if err != nil {
		_ = root.Remove(temporary)
	}
	return err
}

func (o *lockOptions) print(u *ui.Terminal, lock pins.Lock, changes []pins.Change, failed bool) error {
	list := LockList{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "LockList"}, Items: []LockItem{}, UpToDate: len(changes) == 0 && !failed}
	var ids []string
	for _, e := range lock {
		item := LockItem{URL: e.URL, Chart: e.Chart, Constraint: e.Constraint, Version: e.Version, Digest: e.Digest, Was: e.Version}
		if i := slices.IndexFunc(changes, func(c pins.Change) bool { return c.Now == e }); i >= 0 {
			item.Was, item.Changed = changes[i].Was.Version, true
		}
		list.Items = append(list.Items, item)
		ids = append(ids, e.Key())
	}
	for _, c := range changes {
		if c.Now == (pins.Entry{}) {
			list.Items = append(list.Items, LockItem{URL: c.Was.URL, Chart: c.Was.Chart, Constraint: c.Was.Constraint, Was: c.Was.Version, Changed: true})
		}
	}
	if handled, err := o.output.Print(u.Out, list, ids); handled || err != nil {
		return err
	}
	for _, c := range changes {
		u.Say("%s", lockLine(c))
	}
	switch {
	case len(changes) == 0 && failed: // whether it is up to date is not known
	case len(changes) == 0:
		u.Say("%s is up to date: %s", pins.Name, report.Plural(len(lock), "version"))
	case o.check:
		u.Hint("run `kubectl gitops lock` and commit %s", pins.Name)
	default:
		u.Say("%s is written: %s", pins.Name, report.Plural(len(lock), "version"))
	}
	return nil
}

// lockLine says what changes of one entry: "ingress-nginx 4.x  4.12.0 -> 4.13.2  https://...".
func lockLine(c pins.Change) string {
	e, what := c.Now, ""
	switch {
	case c.Now == (pins.Entry{}):
		e, what = c.Was, "removed"
	case c.Was == (pins.Entry{}):
		what = "= " + c.Now.Version
	case c.Was.Version == c.Now.Version:
		what = c.Now.Version + ", other digest"
	default:
		what = c.Was.Version + " -> " + c.Now.Version
	}
	return strings.TrimSpace(e.Chart+" "+e.Constraint) + "  " + what + "  " + e.URL
}
