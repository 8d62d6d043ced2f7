package ui

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// The values of --log-format.
const (
	LogAuto = "auto"
	LogText = "text"
	LogJSON = "json"
)

// CheckLogFormat returns an error with a hint for an unknown value of --log-format.
func CheckLogFormat(format string) error {
	switch format {
	case LogAuto, LogText, LogJSON:
		return nil
	}
	return hint.Errorf(fmt.Sprintf("--log-format=%s is not known", format), "one of: auto, text, json")
}

// SetLog sets the value of --log-format. With LogJSON, Terminal writes one JSON line for each message. LogAuto does that in a
// pod without a terminal.
func (t *Terminal) SetLog(format string) {
	inPod := os.Getenv("KUBERNETES_SERVICE_HOST") != "" && !t.tty
	if format == LogJSON || format == LogAuto && inPod {
		t.log = slog.New(slog.NewJSONHandler(t.Err, nil))
	}
}

// logEvent is event as JSON.
func logEvent(log *slog.Logger, e report.Event) {
	switch e.Kind {
	case report.Changed:
		if e.Change == nil || e.Change.Action == report.Unchanged {
			return
		}
		logChange(log, e.App, *e.Change)
	case report.Warning:
		log.Warn(e.Text, "app", e.App)
	default:
		log.Info(e.Text, "app", e.App, "step", string(e.Kind))
	}
}

func logChange(log *slog.Logger, app string, c report.Change) {
	level := slog.LevelInfo
	attributes := []slog.Attr{slog.String("app", app), slog.String("object", c.Object), slog.String("action", string(c.Action))}
	for _, a := range []struct{ key, value string }{{"origin", c.Origin}, {"note", c.Note}, {"error", c.Error}, {"hint", c.Hint}} {
		if a.value != "" {
			attributes = append(attributes, slog.String(a.key, a.value))
		}
	}
	if len(c.Fields) > 0 {
		attributes = append(attributes, slog.Any("fields", c.Fields))
	}
	if c.Action == report.Failed {
		level = slog.LevelError
	}
	log.LogAttrs(context.Background(), level, c.Short+" "+string(c.Action), attributes...)
}

// logReport is one line for each app of a run, with what the run cost.
func logReport(log *slog.Logger, r report.List) {
	for _, app := range r.Apps {
		level := slog.LevelInfo
		attributes := []slog.Attr{slog.String("app", app.Name), slog.String("result", string(app.Result)),
			slog.String("cause", string(app.Cause)), slog.String("commit", app.Revision.Commit),
			slog.String("health", string(app.Health)), slog.Any("counts", app.Counts), slog.Any("requests", r.Requests),
			slog.String("duration", app.Duration.Duration.String())}
		if app.Message != "" {
			attributes = append(attributes, slog.String("message", app.Message))
		}
		if app.Hint != "" {
			attributes = append(attributes, slog.String("hint", app.Hint))
		}
		if app.Result == report.ResultFailed {
			level = slog.LevelError
		}
		log.LogAttrs(context.Background(), level, app.Name+" "+strings.ToLower(string(app.Result)), attributes...)
	}
}

// LogEnd writes the last line of a loop into the log: how many runs and requests it made.
func (t *Terminal) LogEnd(passes int, requests report.Requests) {
	if t.log != nil {
		t.log.Info("loop ended", "passes", passes, "requests", requests)
	}
}
