package plugin

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// fromInstance sets the flags that were left out to what the installed CronJob has. It tells whether there is one that
// names a repository; one that may not be read is none.
func (f *sourceFlags) fromInstance(ctx context.Context, store *store.Store) bool {
	instance := install.Instance{Cluster: store.Cluster, Namespace: store.Namespace}
	settings, err := instance.Settings(ctx)
	if err != nil || settings == nil || settings.Flags["repo"] == "" {
		return false
	}
	own := &cobra.Command{}
	fill := sourceFlags{}
	fill.addFlags(own)
	setLeftOut(own.Flags(), settings.Flags)
	f.repo = fill.repo
	for _, s := range []struct {
		into  *string
		value string
		empty string
	}{{&f.ref, fill.ref, ""}, {&f.path, fill.path, "."}, {&f.name, fill.name, ""}, {&f.targetNamespace, fill.targetNamespace, ""}} {
		if *s.into == s.empty {
			*s.into = s.value
		}
	}
	f.allowPlainSecrets = f.allowPlainSecrets || fill.allowPlainSecrets
	if f.limits.source() == (source.Limits{Files: defaultRepoFiles, Bytes: defaultRepoSize}) {
		f.limits = fill.limits
	}
	return true
}

// inJob are the flags of install that are arguments of reconcile in the job, see arguments. Files that other flags name
// are the pod's there, and this machine's here.
var inJob = [...]string{"repo", "ref", "path", "name", "target-namespace", "timeout", "allow-plain-secrets", "max-repo-files", "max-repo-size", "interval", "for"}

// fromInstance sets what was left out to what is installed, except a published image, which becomes that of this version, and
// returns the arguments of reconcile that install has no flag for.
func (o *installOptions) fromInstance(cmd *cobra.Command, s *install.Settings) (extra []string) {
	given := map[string]string{"schedule": s.Schedule, "secret": s.Secret, "memory": s.Memory, "rbac": string(s.RBAC), "interval": "0"}
	for _, name := range inJob {
		if value, ok := s.Flags[name]; ok {
			given[name] = value
		}
	}
	if !strings.HasPrefix(s.Image, imageName+":") {
		given["image"] = s.Image // from a registry of one's own
	}
	setLeftOut(cmd.Flags(), given)
	for _, arg := range s.Args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !slices.Contains(inJob[:], name) {
			extra = append(extra, arg)
		}
	}
	return extra
}

// setLeftOut sets the flags that were not given. A value that does not parse was not written by install: it stays out.
func setLeftOut(flags *pflag.FlagSet, values map[string]string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if value, ok := values[f.Name]; ok && !f.Changed && value != "" {
			_ = f.Value.Set(value)
		}
	})
}
