package target

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// Flags name a directory of a repository, and the settings of the app in it.
type Flags struct {
	Repo, Ref, Path, Name string
	Namespace             string // of objects that name none
	Timeout               time.Duration
	AllowPlainSecrets     bool
	AllowUnsigned         bool // where commits were verified until now
	Limits                Limits
	Credentials

	given *pflag.FlagSet // tells which flags somebody gave; nil where Add was not called
}

// Add adds the flags that name a source, and those about credentials and limits.
func (f *Flags) Add(fs *pflag.FlagSet) {
	f.given = fs
	fs.StringVar(&f.Repo, "repo", "", "Repository: https, ssh or file URL, or a local directory")
	fs.StringVar(&f.Ref, "ref", "", "Branch, tag or commit (default the repository's HEAD)")
	fs.StringVar(&f.Path, "path", ".", "Directory in the repository")
	fs.StringVar(&f.Name, "name", "", "Name of the app (default the last element of --path)")
	fs.StringVar(&f.Namespace, "target-namespace", "", "Namespace for objects that name none; created when missing")
	fs.DurationVar(&f.Timeout, "timeout", app.DefaultTimeout, "Time to apply and become healthy")
	fs.BoolVar(&f.AllowPlainSecrets, "allow-plain-secrets", false, "Accept Secrets with plain data in Git")
	fs.StringVar(&f.trust.AllowedSigners, "allowed-signers-file", "", "Apply only commits signed by an SSH key in this file")
	fs.StringVar(&f.trust.Keyring, "openpgp-keyring-file", "", "Apply only commits signed by an OpenPGP key in this file")
	f.Limits.Add(fs)
	f.addCache(fs)
	f.AddCredentials(fs)
}

// AddFetching adds the flags that say how charts are fetched, for commands that ask no repository of Git.
func (f *Flags) AddFetching(fs *pflag.FlagSet) {
	f.addCache(fs)
	f.addMirrors(fs)
	f.addDir(fs)
}

// changed tells whether somebody gave a flag.
func (f *Flags) changed(flag string) bool { return f.given != nil && f.given.Changed(flag) }

// App checks the flags and returns the app they describe.
func (f *Flags) App() (app.App, error) {
	if f.Timeout <= 0 {
		return app.App{}, hint.Errorf(fmt.Sprintf("--timeout %s must be above zero", f.Timeout), "for example --timeout 5m")
	}
	dir := cleanPath(f.Path)
	if path.IsAbs(dir) || dir == ".." || strings.HasPrefix(dir, "../") {
		return app.App{}, hint.Errorf(fmt.Sprintf("--path %s leaves the repository", f.Path), "give a directory from the repository's root")
	}
	name := f.Name
	if name == "" {
		name = app.NameOf(dir)
	}
	if name == "" {
		name = app.NameOf(f.Repo)
	}
	if err := CheckName(name); err != nil {
		return app.App{}, err
	}
	if f.Namespace != "" {
		if problems := validation.IsDNS1123Label(f.Namespace); len(problems) > 0 {
			return app.App{}, fmt.Errorf("--target-namespace %q: %s", f.Namespace, problems[0])
		}
	}
	return app.App{Name: name, Path: dir, Namespace: f.Namespace, Timeout: f.Timeout,
		AllowPlainSecrets: f.AllowPlainSecrets, Budget: app.DefaultBudget}, nil
}

// cleanPath is what --path names, as records have it.
func cleanPath(p string) string { return path.Clean(strings.ReplaceAll(p, "\\", "/")) }

// RenderOptions says how to render what the flags name, without a cluster.
func (f *Flags) RenderOptions() render.Options {
	return rendering.Options(app.App{Name: f.Name, Namespace: f.Namespace, AllowPlainSecrets: f.AllowPlainSecrets})
}

// CheckName refuses names that cannot be part of the names of our records.
func CheckName(name string) error {
	const longest = 40 // gitops-<name>-inventory-<n> must stay a valid name, and the name a label
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 || len(name) > longest {
		return hint.Errorf(fmt.Sprintf("%q cannot be the name of an app", name),
			"use --name with up to %d of a-z, 0-9 and '-'", longest)
	}
	return nil
}
