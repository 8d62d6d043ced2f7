package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/trust"
)

// sourceFlags say which directory of which repository to read, and how to treat what is in it.
type sourceFlags struct {
	repo, ref, path, name, targetNamespace string
	timeout                                time.Duration
	allowPlainSecrets                      bool
	ageKeyFile                             string
	auth                                   source.Auth
	limits                                 repoLimits
	trust                                  trust.Files
	unsigned                               bool // of reconcile
}

func (f *sourceFlags) addFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.repo, "repo", "", "Repository: https, ssh or file URL, or a local directory")
	fs.StringVar(&f.ref, "ref", "", "Branch, tag or commit (default the repository's HEAD)")
	fs.StringVar(&f.path, "path", ".", "Directory in the repository")
	fs.StringVar(&f.name, "name", "", "Name of the app (default the last element of --path)")
	fs.StringVar(&f.targetNamespace, "target-namespace", "", "Namespace for objects that name none; created when missing")
	fs.DurationVar(&f.timeout, "timeout", reconcile.DefaultTimeout, "Budget to apply and become healthy")
	fs.BoolVar(&f.allowPlainSecrets, "allow-plain-secrets", false, "Accept Secrets with plain data in Git")
	fs.StringVar(&f.trust.AllowedSigners, "allowed-signers-file", "", "Apply only commits signed by an SSH key in this file")
	fs.StringVar(&f.trust.Keyring, "openpgp-keyring-file", "", "Apply only commits signed by an OpenPGP key in this file")
	f.limits.addFlags(fs)
	f.addCredentialFlags(fs)
}

// addCredentialFlags adds the flags that name files with credentials.
func (f *sourceFlags) addCredentialFlags(fs *pflag.FlagSet) {
	fs.StringVar(&f.ageKeyFile, "age-key-file", "", "File with the age key that decrypts what SOPS encrypted")
	fs.StringVar(&f.auth.TokenFile, "token-file", "", "File with the token for https")
	fs.StringVar(&f.auth.SSHKeyFile, "ssh-key-file", "", "File with the private key for ssh")
	fs.StringVar(&f.auth.KnownHostsFile, "known-hosts-file", "", "File with the host keys to trust for ssh")
	fs.StringVar(&f.auth.Dir, "credentials-dir", "", "Directory with the keys of a credentials Secret as files (see install)")
}

// appOf checks the flags and returns the app they describe.
func (f *sourceFlags) appOf() (reconcile.App, error) {
	if f.timeout <= 0 {
		return reconcile.App{}, hint.Errorf(fmt.Sprintf("--timeout %s must be above zero", f.timeout), "for example --timeout 5m")
	}
	dir := cleanPath(f.path)
	if path.IsAbs(dir) || dir == ".." || strings.HasPrefix(dir, "../") {
		return reconcile.App{}, hint.Errorf(fmt.Sprintf("--path %s leaves the repository", f.path), "give a directory from the repository's root")
	}
	name := f.name
	if name == "" {
		name = oneWord(dir)
	}
	if name == "" {
		name = oneWord(f.repo)
	}
	if err := checkName(name); err != nil {
		return reconcile.App{}, err
	}
	if f.targetNamespace != "" {
		if problems := validation.IsDNS1123Label(f.targetNamespace); len(problems) > 0 {
			return reconcile.App{}, fmt.Errorf("--target-namespace %q: %s", f.targetNamespace, problems[0])
		}
	}
	return reconcile.App{Name: name, Path: dir, Namespace: f.targetNamespace, Timeout: f.timeout,
		AllowPlainSecrets: f.allowPlainSecrets, Budget: reconcile.DefaultBudget}, nil
}

// cleanPath is what --path names, as records have it.
func cleanPath(p string) string { return path.Clean(strings.ReplaceAll(p, "\\", "/")) }

// renderOptions says how to render what the flags name, without a cluster.
func (f *sourceFlags) renderOptions() render.Options {
	return reconcile.RenderOptions(reconcile.App{Name: f.name, Namespace: f.targetNamespace, AllowPlainSecrets: f.allowPlainSecrets})
}

// checkName refuses names that cannot be part of the names of our records.
func checkName(name string) error {
	const longest = 40 // gitops-<name>-inventory-<n> must stay a valid name, and the name a label
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 || len(name) > longest {
		return hint.Errorf(fmt.Sprintf("%q cannot be the name of an app", name),
			"use --name with up to %d of a-z, 0-9 and '-'", longest)
	}
	return nil
}

// resolve returns the app to work on and where it comes from: the flags when --repo is given, otherwise what the
// record of the named app (or of the only one) says where the flags are silent.
func (f *sourceFlags) resolve(ctx context.Context, store *store.Store, names []string) (reconcile.App, source.Repo, error) {
	if f.repo != "" {
		app, err := f.appOf()
		if err == nil && len(names) > 0 && !slices.Equal(names, []string{app.Name}) {
			err = hint.Errorf(fmt.Sprintf("with --repo the app is %s, not %s", app.Name, strings.Join(names, ", ")),
				"leave the argument out, or set --name")
		}
		return app, f.repository(), err
	}
	if f.name != "" && len(names) == 0 {
		names = []string{f.name}
	}
	rec, err := recorded(ctx, store, names)
	if err != nil && f.fromInstance(ctx, store) {
		return f.resolve(ctx, store, names)
	}
	if err != nil {
		return reconcile.App{}, source.Repo{}, err
	}
	if f.name != "" && f.name != rec.App {
		return reconcile.App{}, source.Repo{}, hint.Errorf(fmt.Sprintf("--name %s is not %s", f.name, rec.App),
			"name the app once; a new one needs --repo")
	}
	f.repo, f.name = rec.Source.Repo, rec.App
	f.ref, f.targetNamespace = cmp.Or(f.ref, rec.Source.Ref), cmp.Or(f.targetNamespace, rec.Target)
	if f.path == "." { // its default
		f.path = rec.Source.Path
	}
	f.allowPlainSecrets = f.allowPlainSecrets || rec.PlainSecrets
	app, err := f.appOf()
	return app, f.repository(), err
}

func (f *sourceFlags) repository() source.Repo {
	url := f.repo
	if dir, err := filepath.Abs(url); err == nil && isDirectory(url) {
		url = dir // a record must mean the same from wherever it is read
	}
	repo := source.Repo{URL: url, Ref: f.ref, Auth: f.auth, Limits: f.limits.within(memory.Container(os.DirFS("/"))), Server: new(source.Server)}
	if keys := f.trusted(); keys.Any() {
		repo.Trust = keys
	}
	return repo
}

func isDirectory(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

// recorded loads the record of the one app that names, or the instance itself, leaves no choice about.
func recorded(ctx context.Context, store *store.Store, names []string) (*record.Record, error) {
	records, err := store.Peek(ctx)
	if err != nil {
		return nil, err
	}
	var known []string
	for name, rec := range records {
		if rec.Inventory != nil && rec.Source.Repo != "" {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	switch {
	case len(names) > 1:
		return nil, hint.Errorf("several apps at once need a gitops.yaml that lists them", "name one app")
	case len(names) == 1 && !slices.Contains(known, names[0]):
		if parents, err := store.Parents(ctx); err == nil && parents[names[0]] != nil {
			from := parents[names[0]].Report.Source
			return nil, hint.Errorf(fmt.Sprintf("the inventory of %s is lost, and with it the app's settings", names[0]),
				"run it once with --repo %s --path %s --name %s, and with the --target-namespace it had", from.Repo, from.Path, names[0])
		}
		return nil, unknownApp(names[0], store.Namespace, known)
	case len(names) == 1:
		return records[names[0]], nil
	case len(known) == 1:
		return records[known[0]], nil
	case len(known) == 0:
		return nil, hint.Errorf(fmt.Sprintf("no --repo given, and namespace %s has no apps yet", store.Namespace),
			"say where the manifests are: --repo URL --path DIR --name APP")
	}
	return nil, hint.Errorf("no app named, and there are several", "name one of: %s", strings.Join(known, ", "))
}

func unknownApp(name, namespace string, known []string) error {
	err := fmt.Errorf("no app %s in namespace %s", name, namespace)
	if len(known) == 0 {
		return hint.With(err, "it has none yet; -n selects another instance")
	}
	return hint.With(err, "it has: %s; -n selects another instance", strings.Join(slices.Sorted(slices.Values(known)), ", "))
}

// gitSource unpacks commits of a repository into temporary directories.
type gitSource struct{ repo source.Repo }

// Poll implements reconcile.Source.
func (s gitSource) Poll(ctx context.Context) (string, error) { return s.repo.Poll(ctx) }

// Open implements reconcile.Source.
func (s gitSource) Open(ctx context.Context, commit string) (*reconcile.Tree, error) {
	dir, err := os.MkdirTemp("", "gitops-")
	if err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	remove := func() { os.RemoveAll(dir) }
	rev, objects, err := s.repo.Fetch(ctx, commit, dir)
	if err != nil {
		remove()
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		remove()
		return nil, err
	}
	return &reconcile.Tree{Root: root, Revision: rev, Objects: objects, Close: func() { root.Close(); remove() }}, nil
}

// Commits implements reconcile.Source.
func (s gitSource) Commits(ctx context.Context, from, to string, paths ...string) ([]source.Commit, error) {
	return s.repo.Commits(ctx, from, to, paths...)
}

// checkout is the working tree that a directory lies in, uncommitted changes included: for diff and render only.
type checkout struct {
	top string
	rev source.Revision
}

func openCheckout(dir string) (checkout, string, error) {
	top, rev, err := source.WorkTree(dir)
	if err != nil {
		return checkout{}, "", err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return checkout{}, "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return checkout{}, "", err
	}
	if top, err = filepath.EvalSymlinks(top); err != nil {
		return checkout{}, "", err
	}
	rel, err := filepath.Rel(top, abs)
	return checkout{top, rev}, filepath.ToSlash(rel), err
}

// Poll implements reconcile.Source. A working tree is no commit, so nothing recorded ever equals it.
func (c checkout) Poll(context.Context) (string, error) { return "working tree", nil }

// Open implements reconcile.Source.
func (c checkout) Open(context.Context, string) (*reconcile.Tree, error) {
	root, err := os.OpenRoot(c.top)
	if err != nil {
		return nil, err
	}
	return &reconcile.Tree{Root: root, Revision: c.rev, Close: func() { root.Close() }}, nil
}

// Commits implements reconcile.Source, for the commit that is checked out.
func (c checkout) Commits(ctx context.Context, from, _ string, paths ...string) ([]source.Commit, error) {
	return source.Repo{URL: c.top}.Commits(ctx, from, c.rev.Commit, paths...)
}

// explainConfig words what client-go says when there is no usable kubeconfig.
func explainConfig(err error) error {
	if clientcmd.IsEmptyConfig(err) {
		err = errors.New("no cluster: neither a kubeconfig nor a service account was found")
	}
	return hint.With(err, "set KUBECONFIG or --kubeconfig, and see `kubectl config get-contexts`")
}
