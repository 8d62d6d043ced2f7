package target

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// charts gets the charts that apps name and that others depend on.
func charts(f *Flags, n Notices) *chartrepo.Fetcher {
	local := os.Getenv("KUBERNETES_SERVICE_HOST") == "" // in a pod, this machine is the pod, and its neighbours
	return &chartrepo.Fetcher{Cache: f.cacheDir(), Local: local, Route: route(f), Fetched: func(need chart.Need, digest, mirror string) {
		text := "chart " + need.String() + "  " + digest
		if mirror != "" {
			text += "  by " + mirror
		}
		n.Fetched(report.Event{Kind: report.Fetched, Text: text})
	}}
}

// route returns what says how an address is reached, with the repository that is known by then.
func route(f *Flags) func(ctx context.Context, address, secret string) (access.Route, error) {
	return func(ctx context.Context, address, name string) (access.Route, error) {
		with := f.access()
		with.Own = f.Repo
		with.Secret = func(ctx context.Context, name string) (access.Keys, error) { return secret(ctx, f, name) }
		return with.Route(ctx, address, name)
	}
}

// WithoutCluster is the advice for a Secret that cannot be read, since no cluster is there.
func WithoutCluster(secret string) string {
	return fmt.Sprintf("without a cluster, put its keys as files into DIR/%s, and give --credentials-dir DIR", secret)
}

// secret returns the keys of a Secret: the files of a directory of that name in the directory of credentials, or what the cluster has.
func secret(ctx context.Context, f *Flags, name string) (access.Keys, error) {
	dir, data, err := secretOf(ctx, f, name)
	if dir != "" {
		return access.FileKeys(dir), nil
	}
	return access.SecretKeys("the Secret "+name, data), err
}

// secretOf returns the directory with the keys of a Secret, or else its keys and values.
func secretOf(ctx context.Context, f *Flags, name string) (dir string, data map[string][]byte, err error) {
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return "", nil, fmt.Errorf("%q cannot be the name of a Secret: %s", name, problems[0])
	}
	if dir := filepath.Join(f.auth.Dir, name); f.auth.Dir != "" && IsDirectory(dir) {
		return dir, nil, nil
	}
	if f.secrets == nil {
		return "", nil, hint.Errorf(fmt.Sprintf("the Secret %s is needed, and this command asks no cluster", name), "%s", WithoutCluster(name))
	}
	data, err = f.secrets(ctx, name)
	return "", data, err
}
