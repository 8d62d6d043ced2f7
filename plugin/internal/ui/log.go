package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// The values of --log-format.
const (
	logAuto = "auto"
	logText = "text"
	logJSON = "json"
)

func checkLogFormat(format string) error {
	switch format {
	case logAuto, logText, logJSON:
		return nil
	}
	return hint.Errorf(fmt.Sprintf("--log-format=%s is not known", format), "one of: auto, text, json")
}

// setLog makes u write JSON, one line per message, when format asks for it: auto does in a pod without a terminal.
func (u *ui) setLog(format string) {
	inPod := os.Getenv("KUBERNETES_SERVICE_HOST") != "" && !u.tty
	if format == logJSON || format == logAuto && inPod {
		u.log = slog.New(slog.NewJSONHandler(u.Err, nil))
	}
}

// logEvent is event as JSON.
func (u *ui) logEvent(e report.Event) {
	switch e.Kind {
	case report.Changed:
		if e.Change == nil || e.Change.Action == report.Unchanged {
			return
		}
		u.logChange(e.App, *e.Change)
	case report.Warning:
		u.log.Warn(e.Text, "app", e.App)
	default:
		u.log.Info(e.Text, "app", e.App, "step", string(e.Kind))
	}
}

func (u *ui) logChange(app string, c report.Change) {
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
	u.log.LogAttrs(context.Background(), level, c.Short+" "+string(c.Action), attributes...)
}

// logReport is one line for each app of a pass, with what the pass cost.
func (u *ui) logReport(r report.List) {
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
		u.log.LogAttrs(context.Background(), level, app.Name+" "+strings.ToLower(string(app.Result)), attributes...)
	}
}

// logEnd is the last line of a loop.
func (u *ui) logEnd(passes int, requests report.Requests) {
	if u.log != nil {
		u.log.Info("loop ended", "passes", passes, "requests", requests)
	}
}

// ending says in one line how a pass ended.
func ending(app report.App) string {
	text := fmt.Sprintf("%s %s at %s", app.Name, strings.ToLower(string(app.Result)), app.Revision.Short())
	if app.Message != "" {
		text += ": " + firstLine(app.Message)
	}
	return text
}

// writeEndings leaves the endings in a pod's termination log. A file that cannot be written is no failure.
func writeEndings(file string, endings map[string]string) {
	const most = 1000 // Kubernetes shows not much more
	var lines []string
	for _, app := range slices.Sorted(maps.Keys(endings)) {
		lines = append(lines, endings[app])
	}
	text := strings.Join(lines, "\n")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	_ = os.WriteFile(file, []byte(text+"\n"), 0o600)
}
