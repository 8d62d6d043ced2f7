package action

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
)

// FuzzTextFromOutside: whatever a value holds, the runner reads one output, the log one harmless line, and
// Markdown no structure.
func FuzzTextFromOutside(f *testing.F) {
	for _, s := range []string{"", "1.8.2", hostile, "a\r\nb", "`x`", "\u2028", "<!--", "http://x www.x", "\xff\xfe", "a\x00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line, err := output("edits", s)
		if err != nil {
			t.Fatal(err)
		}
		if got := runnerOutputs(t, line); len(got) != 1 || got["edits"] != display.OneLine(s) {
			t.Errorf("the runner reads %q", got)
		}
		for l := range strings.Lines(display.Log(s)) {
			if strings.HasPrefix(strings.TrimSpace(l), "::") || strings.Contains(l, "##[") {
				t.Errorf("the log has the command %q", l)
			}
		}
		if text := strings.ReplaceAll(display.Plain(s), "<!-- -->", ""); strings.ContainsAny(text, "\n\r<>`|*_[]@") {
			t.Errorf("plain text has structure: %q", text)
		}
		if c := display.Code(s); strings.Count(strings.TrimSuffix(strings.TrimPrefix(c, "`"), "`"), "`") > 0 || strings.ContainsAny(c, "\n|") {
			t.Errorf("code can be left: %q", c)
		}
	})
}

func FuzzMarker(f *testing.F) {
	f.Add("text", "ghcr.io/acme/api:1.8.2", "<!-- gitops-action: {} -->")
	f.Add("--> <!--", "--!>", "<!-- gitops-action: {\"operation\":\"bump\"} --> below")
	f.Fuzz(func(t *testing.T, title, set, body string) {
		_, _, _ = parseMarker(body)
		m := marker{Operation: opBump, Target: "x", Title: title, History: []step{{Set: []string{set}}}}
		text := m.String()
		if strings.Count(text, "-->") != 1 || strings.Contains(text, "--!>") {
			t.Errorf("the comment ends early: %q", text)
		}
		if got, below, ok := parseMarker("above\n" + text + "\nbelow"); !ok || below != "below" || got.Operation != opBump {
			t.Errorf("read back %v %q %v", got, below, ok)
		}
	})
}
