package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

type suspendOptions struct {
	length time.Duration
	reason string
	yes    bool
}

func newSuspendCommand(c *cli) *cobra.Command {
	o := &suspendOptions{}
	cmd := &cobra.Command{
		Use:   "suspend [APP...]",
		Short: "Stop reconciling apps: no commit is applied, no drift is reverted",
		Long: `Stop reconciling apps. No run, wherever somebody starts it, applies a commit or
reverts drift of these apps until you resume them, or until the time of --for is
over. The next run after that reconciles them again. suspend changes neither
the objects of the apps nor Git.

Without APP, suspend the CronJob of the instance: it starts no more jobs, so no
job reconciles an app of the instance. On a terminal, suspend asks first.
Anybody can still run reconcile. Only resume ends this suspension.`,
		Example: `  kubectl gitops suspend shop --for 2h --reason "moving the database"
  kubectl gitops suspend --reason incident`,
		ValidArgsFunction: c.completeAppNames(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.length < 0, cmd.Flags().Changed("for") && o.length == 0:
				return hint.Errorf(fmt.Sprintf("--for %s must be above zero", o.length), "for example --for 2h")
			case len(args) == 0 && o.length > 0:
				return hint.Errorf("--for needs the names of apps",
					"a suspended CronJob cannot resume itself; name the apps, or leave --for out")
			}
			return o.run(cmd.Context(), c, args)
		},
	}
	cmd.Flags().DurationVar(&o.length, "for", 0, "Resume automatically after this time")
	cmd.Flags().StringVar(&o.reason, "reason", "", "The reason, which status shows")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "Without APP: do not ask")
	return cmd
}

func newResumeCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "resume [APP...]",
		Short: "Reconcile suspended apps again",
		Long: `Reconcile suspended apps again: the next run applies the newest commit and
reverts drift. An app that gitops.yaml suspends stays suspended until the file
says otherwise. Without APP, the CronJob of the instance starts jobs again.`,
		Example: `  kubectl gitops resume shop
  kubectl gitops resume`,
		ValidArgsFunction: c.completeAppNames(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), c, args, nil)
		},
	}
}

func (o *suspendOptions) run(ctx context.Context, c *cli, apps []string) error {
	if len(apps) == 0 && !o.yes {
		question := fmt.Sprintf("Suspend the CronJob of instance %s? Then no job reconciles its apps.", c.namespace())
		if err := c.ui().Confirm(question, "name the apps to suspend, or pass --yes"); err != nil {
			return err
		}
	}
	now := time.Now().UTC().Truncate(time.Second)
	as := &report.Suspension{Reason: o.reason, Since: now}
	if o.length > 0 {
		as.Until = now.Add(o.length)
	}
	return change(ctx, c, apps, as)
}

// change suspends or, with nil, resumes apps, or without any the CronJob.
func change(ctx context.Context, c *cli, apps []string, as *report.Suspension) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	store.Writer = true
	if as != nil {
		as.By = client.WhoAmI(ctx)
	}
	u := c.ui()
	word := "resumed"
	if as != nil {
		word = as.String()
	}
	if len(apps) == 0 {
		instance := install.Instance{Cluster: client, Namespace: store.Namespace, Tell: u.Installed}
		changed, err := instance.Suspend(ctx, as)
		if err == nil {
			u.Say("%s %s", cluster.Ref{Kind: install.CronJobs, Name: install.Name}, outcomeWord(word, changed))
		}
		return err
	}
	records, err := store.Load(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, app := range apps {
		found, changed, err := store.Suspend(ctx, app, as)
		switch {
		case err != nil:
			errs = append(errs, err)
		case as == nil && records.Lists.Suspending(app) != nil:
			if changed {
				u.Say("%s resumed", app)
			}
			errs = append(errs, staysSuspended(app, records.Lists.Suspending(app)))
		case !found:
			errs = append(errs, hint.Errorf(fmt.Sprintf("no app %s in namespace %s", app, store.Namespace),
				"`kubectl gitops status` lists the apps; -n selects another instance"))
		default:
			u.Say("%s %s", app, outcomeWord(word, changed))
		}
	}
	return errors.Join(errs...)
}

// staysSuspended is the error about an app that the gitops.yaml of list suspends, whatever its record says.
func staysSuspended(app string, list *record.AppList) error {
	return hint.Errorf(fmt.Sprintf("%s stays suspended: gitops.yaml says suspend: true", app),
		"remove suspend: true of %s from the gitops.yaml in %s, path %s; the next run then reconciles it", app, list.Source.Repo, list.Source.Path)
}

// outcomeWord is word, unless there was nothing to resume.
func outcomeWord(word string, changed bool) string {
	if !changed {
		return "was not suspended"
	}
	return word
}
