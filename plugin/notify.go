package plugin

import (
	"cmp"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/notify"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// notifyGrace is how long the end of the process may wait for notes that are under way.
const notifyGrace = 5 * time.Second

// notifications tell other systems when the state of an app changes.
type notifications struct {
	file     string
	instance string
	notifier *notify.Notifier
	told     map[string]notify.Note // by app, the last one
}

func (o *notifications) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.file, "notify", "", "File with the systems to notify when the state of an app changes (default notify.yaml in --credentials-dir, if it exists)")
}

// start reads the file, or the one in the directory of credentials, and returns what to call at the end.
func (o *notifications) start(u *ui.Terminal, dryRun bool, instance string, flags *target.Flags) (func(), error) {
	file := cmp.Or(o.file, flags.CredentialsFile(app.KeyNotify))
	if file == "" || dryRun {
		return func() {}, nil
	}
	targets, err := notify.Load(file)
	if err != nil {
		return nil, err
	}
	o.instance, o.told = instance, map[string]notify.Note{}
	o.notifier = notify.New(targets, toolName+"/"+toolVersion(), func(text string) { u.Warn("%s", text) })
	return func() { o.notifier.Close(notifyGrace) }, nil
}

// tellAll tells of each app of a run.
func (o *notifications) tellAll(out reconcile.Outcome) {
	for _, a := range out.Apps {
		o.tell(a.Report)
	}
}

// tell sends a note when a pass leaves an app in another state than the one before it.
func (o *notifications) tell(app report.App) {
	if o.notifier == nil || app.Revision.Commit == "" {
		return
	}
	rev := app.Revision
	note := notify.Note{Instance: o.instance, App: app.Name, Repo: app.Source.Repo, Commit: rev.Commit, Ref: rev.Ref,
		Author: rev.Author, Subject: ui.FirstLine(rev.Subject), State: stateOf(app), Reason: ui.FirstLine(app.Message),
		Sync: string(report.Synced), Health: string(app.Health)}
	switch {
	case app.Result == report.ResultFailed:
		note.Sync = string(report.SyncFailed)
	case app.Pending:
		note.Sync = string(report.SyncPending)
	case app.Counts.Drifted > 0:
		note.Sync = string(report.SyncDrifted)
	case app.Suspended != nil:
		note.Sync = string(report.SyncSuspended)
	}
	last, again := o.told[note.App]
	o.told[note.App] = note
	changed := last != note
	if !again { // what an earlier process told is known by what it recorded
		changed = app.News || app.Previous != rev.Commit || app.AllHealthy != app.WasHealthy
	}
	if changed {
		note.Time = time.Now()
		o.notifier.Send(note)
	}
}

func stateOf(app report.App) notify.State {
	switch {
	case app.Result == report.ResultFailed:
		return notify.Failure
	case app.Health == health.Healthy, app.Health == health.Suspended, app.AllHealthy:
		return notify.Success
	}
	return notify.Pending
}
