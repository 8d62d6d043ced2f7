package action

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

const (
	maxNotices  = 10   // annotations that GitHub shows for one step
	maxFindings = 200  // annotated and listed; GitHub shows fewer annotations, but keeps all
	maxEdits    = 1000 // in the edits output: GitHub takes a megabyte of outputs from one job
)

// reporter writes what a workflow gets from a run: log, annotations, outputs and job summary. It escapes everything that comes from
// outside, and leaves out tokens.
type reporter struct {
	s       Streams
	gh      *githubactions.Action
	secrets []string
}

func newReporter(s Streams) *reporter {
	return &reporter{s: s, gh: githubactions.New(githubactions.WithWriter(s.Out), githubactions.WithGetenv(s.Getenv))}
}

// workflow says whether a GitHub runner reads our output. Elsewhere a workflow command would only be noise,
// and the one that masks a token would print it.
func (r *reporter) workflow() bool { return r.s.Getenv("GITHUB_ACTIONS") == "true" }

// hide keeps a token out of everything written from now on.
func (r *reporter) hide(token string) {
	if token == "" {
		return
	}
	r.secrets = append(r.secrets, token)
	if r.workflow() && !strings.ContainsAny(token, "\r\n") {
		r.gh.AddMask(token)
	}
}

// clean removes the hidden tokens.
func (r *reporter) clean(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, "***")
	}
	return s
}

// log prints one line.
func (r *reporter) log(line string) { fmt.Fprintln(r.s.Out, display.Log(r.clean(line))) }

// failed reports an error and returns the exit code.
func (r *reporter) failed(err error) int {
	message, advice := r.clean(err.Error()), r.clean(hint.Of(err))
	fmt.Fprintf(r.s.Err, "error: %s\n", display.Log(message))
	if advice != "" {
		fmt.Fprintf(r.s.Err, "hint: %s\n", display.Log(advice))
	}
	if !r.workflow() {
		return ExitFailed
	}
	text := message
	if advice != "" {
		text += "\nhint: " + advice
	}
	r.gh.WithFieldsMap(errorFields(err)).Errorf("%s", text)
	summary := "### ✗ " + display.Plain(message) + "\n"
	if advice != "" {
		summary += "\n" + display.Plain(advice) + "\n"
	}
	if err := r.appendTo("GITHUB_STEP_SUMMARY", summary); err != nil {
		fmt.Fprintf(r.s.Err, "error: %s\n", display.Log(err.Error()))
	}
	return ExitFailed
}

// errorFields points an annotation at the file that was refused.
func errorFields(err error) map[string]string {
	fields := map[string]string{"title": "gitops-action"}
	var refused bumper.Refusals
	var one bumper.Refusal
	if errors.As(err, &refused) && len(refused) > 0 {
		one = refused[0]
	}
	if one.File != "" || errors.As(err, &one) {
		fields["file"] = one.File
		if one.Line > 0 {
			fields["line"], fields["col"] = strconv.Itoa(one.Line), strconv.Itoa(one.Column)
		}
	}
	return fields
}

// done reports what was done.
func (r *reporter) done(results []Result) error {
	var text strings.Builder
	for _, res := range results {
		r.tell(res)
		text.WriteString(r.clean(summary(res)))
	}
	if err := r.appendTo("GITHUB_STEP_SUMMARY", text.String()); err != nil {
		return err
	}
	return r.outputs(results)
}

// tell writes one result into the log and as annotations.
func (r *reporter) tell(res Result) {
	r.log(res.Line)
	for i, e := range res.Plan.Edits {
		r.log(fmt.Sprintf("%s:%d:%d: %s -> %s", e.File, e.Line, e.Column, e.Old, e.New))
		if r.workflow() && i < maxNotices {
			fields := map[string]string{"file": e.File, "line": strconv.Itoa(e.Line), "col": strconv.Itoa(e.Column), "title": "gitops-action"}
			r.gh.WithFieldsMap(fields).Noticef("%s", r.clean(display.OneLine(e.Old+" -> "+e.New)))
		}
	}
	for i, n := range res.Notes {
		r.log("note: " + n)
		switch {
		case !r.workflow():
		case i < len(res.Plan.Notes): // about the edits, for information
			r.gh.Noticef("%s", r.clean(display.OneLine(n)))
		default:
			r.gh.Warningf("%s", r.clean(display.OneLine(n)))
		}
	}
	for i, f := range res.Findings {
		r.log(f.String())
		if r.workflow() && i < maxFindings {
			r.annotate(f)
		}
	}
	for i, line := range res.Plan.leftLines() {
		r.log(line)
		if l := res.Plan.Left[i]; r.workflow() && res.Plan.Promoted == nil && i < maxNotices {
			fields := map[string]string{"file": l.File, "line": strconv.Itoa(l.Line), "title": "gitops-action"}
			r.gh.WithFieldsMap(fields).Noticef("%s", r.clean(display.OneLine(fmt.Sprintf("%s stays at %s: %s", l.What, l.To, l.Reason))))
		}
	}
}

// annotate points at the line of a finding.
func (r *reporter) annotate(f Finding) {
	fields := map[string]string{"title": "gitops-action " + f.Rule}
	if f.File != "" {
		fields["file"] = display.OneLine(f.File)
	}
	if f.Line > 0 {
		fields["line"] = strconv.Itoa(f.Line)
	}
	if f.Warning {
		r.gh.WithFieldsMap(fields).Warningf("%s", r.clean(display.OneLine(f.Message)))
		return
	}
	r.gh.WithFieldsMap(fields).Errorf("%s", r.clean(display.OneLine(f.Message)))
}

func findingTable(list []Finding) string {
	var b strings.Builder
	b.WriteString("| Where | What | Rule |\n|---|---|---|\n")
	for i, f := range list {
		if i == maxFindings {
			fmt.Fprintf(&b, "\nand %d more\n", len(list)-i)
			break
		}
		where := f.File
		if f.Line > 0 {
			where = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", display.Code(where), display.Plain(f.Message), display.Code(f.Rule))
	}
	return b.String()
}

func summary(res Result) string {
	var b strings.Builder
	b.WriteString("### " + display.Plain(res.Line) + "\n\n")
	if res.Text != "" {
		for _, n := range res.Notes {
			b.WriteString("> " + display.Plain(n) + "\n\n")
		}
		return b.String() + res.Text + "\n"
	}
	if len(res.Findings) > 0 {
		b.WriteString(findingTable(res.Findings))
	}
	if res.URL != "" {
		fmt.Fprintf(&b, "Pull request [#%d](%s), branch %s\n\n", res.Number, res.URL, display.Code(res.Branch))
	} else if res.CommitURL != "" {
		fmt.Fprintf(&b, "Commit [%s](%s), branch %s\n\n", display.SHA(res.Commit), res.CommitURL, display.Code(res.Branch))
	}
	if len(res.Plan.Edits) > 0 {
		b.WriteString(editTable(res.Plan.Edits))
	}
	for _, n := range res.Notes {
		b.WriteString("\n> " + display.Plain(n) + "\n")
	}
	for _, s := range res.Plan.Sections {
		b.WriteString("\n" + s)
	}
	fmt.Fprintf(&b, "\n%s searched, %d parsed, %s already up to date.\n", display.Count(res.Plan.Scanned, "file"), res.Plan.Parsed, display.Count(len(res.Plan.Current), "reference"))
	return b.String()
}

// appendTo appends to the file that a variable of the runner names, if it does.
func (r *reporter) appendTo(variable, text string) error {
	file := r.s.Getenv(variable)
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", variable, err)
	}
	if _, err := f.WriteString(text); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", variable, err), f.Close())
	}
	return f.Close()
}
