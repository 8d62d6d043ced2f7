package target

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
)

// fromInstance sets the flags that were left out to what the installed CronJob has. It tells whether there is one that
// names a repository; one that may not be read is none.
func (f *Flags) fromInstance(ctx context.Context, store *store.Store) bool {
	instance := install.Instance{Cluster: store.Cluster, Namespace: store.Namespace}
	settings, err := instance.Settings(ctx)
	if err != nil || settings == nil || settings.Flags["repo"] == "" {
		return false
	}
	own, fill := pflag.NewFlagSet("", pflag.ContinueOnError), Flags{}
	fill.Add(own)
	SetLeftOut(own, settings.Flags)
	f.Repo = fill.Repo
	for _, s := range []struct {
		into  *string
		value string
		empty string
	}{{&f.Ref, fill.Ref, ""}, {&f.Path, fill.Path, "."}, {&f.Name, fill.Name, ""}, {&f.Namespace, fill.Namespace, ""}} {
		if *s.into == s.empty {
			*s.into = s.value
		}
	}
	f.AllowPlainSecrets = f.AllowPlainSecrets || fill.AllowPlainSecrets
	if f.Limits == defaultLimits() {
		f.Limits = fill.Limits
	}
	return true
}

// SetLeftOut sets the flags that were not given. A value that does not parse was not written by install: it stays out.
func SetLeftOut(flags *pflag.FlagSet, values map[string]string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if value, ok := values[f.Name]; ok && !f.Changed && value != "" {
			if f.Value.Set(value) != nil {
				_ = f.Value.Set(f.DefValue) // pflag leaves zero behind
			}
		}
	})
}
