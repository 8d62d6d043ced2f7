package plugin

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/events"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// podOptions are what reconcile does beside its work when it runs in a pod, where nobody looks on. install sets them.
type podOptions struct {
	logFormat      string
	events         bool
	terminationLog string

	recorder *events.Recorder
	endings  map[string]string // of the last pass of each app
}

func (o *podOptions) addFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&o.logFormat, "log-format", ui.LogAuto, "Format of the log: text, json, or auto, which is json in a pod without a terminal")
	fixedWords(cmd, "log-format", ui.LogAuto, ui.LogText, ui.LogJSON)
	fs.BoolVar(&o.events, "events", false, "Write Kubernetes Events on the record of the app, with what a run did")
	fs.StringVar(&o.terminationLog, "termination-log", "", "File for one line that says how the last run ended")
}

func (o *podOptions) start(u *ui.Terminal, client *cluster.Client, namespace string) {
	if o.events {
		o.recorder = &events.Recorder{Cluster: client, Namespace: namespace, CronJob: install.Name, Now: time.Now,
			Dropped: func(err error) { u.Warn("%v", err) }}
	}
}

// tellAll tells one finished run.
func (o *podOptions) tellAll(ctx context.Context, out reconcile.Outcome) {
	for _, a := range out.Apps {
		o.tell(ctx, a.Report)
	}
	const list = "the apps"
	switch {
	case o.terminationLog == "":
	case out.Err != nil:
		o.endings = map[string]string{list: ui.Ending(report.App{Name: list, Result: report.ResultFailed, Message: out.Err.Error()})}
		ui.WriteEndings(o.terminationLog, o.endings)
	case o.endings[list] != "":
		delete(o.endings, list)
		ui.WriteEndings(o.terminationLog, o.endings)
	}
}

// tell tells one finished pass over one app.
func (o *podOptions) tell(ctx context.Context, app report.App) {
	if o.terminationLog != "" {
		if o.endings == nil {
			o.endings = map[string]string{}
		}
		o.endings[app.Name] = ui.Ending(app)
		ui.WriteEndings(o.terminationLog, o.endings)
	}
	if o.recorder != nil {
		o.recorder.Tell(ctx, app)
	}
}
