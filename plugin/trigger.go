package plugin

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

func newTriggerCommand(c *cli) *cobra.Command {
	wait := true
	cmd := &cobra.Command{
		Use:   "trigger",
		Short: "Start a job of the CronJob now, show its log, and exit with its result",
		Long: `Start a job of the instance's CronJob now, for one run, instead of waiting for
the next minute. trigger shows the log of the job while it runs. The exit status
says whether the job succeeded.`,
		Example: `  kubectl gitops trigger
  kubectl gitops trigger -n gitops-staging --wait=false`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return trigger(cmd.Context(), c, wait) },
	}
	cmd.Flags().BoolVar(&wait, "wait", wait, "Wait for the job to end, and show its log")
	return cmd
}

func trigger(ctx context.Context, c *cli, wait bool) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	u := c.ui()
	instance := install.Instance{Cluster: client, Namespace: store.Namespace, Tell: u.Installed}
	if wait {
		return follow(ctx, u, &instance)
	}
	job, err := instance.Trigger(ctx)
	if err == nil {
		u.Note("%s created", job)
	}
	return err
}

// follow starts a job of the instance, shows its log and ends with its result.
func follow(ctx context.Context, u *ui.Terminal, instance *install.Instance) error {
	job, err := instance.Trigger(ctx)
	if err != nil {
		return err
	}
	u.Note("%s created", job)
	err = instance.Follow(ctx, job, u.Lines(), func(text string) { u.Warn("%s", text) })
	if errors.Is(err, install.ErrJobFailed) {
		err = hint.With(err, "its log is above; `kubectl logs -n %s job/%s` shows it again for an hour", instance.Namespace, job.Name)
	}
	return err
}
