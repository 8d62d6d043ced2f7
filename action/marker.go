package action

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
)

// A run leaves trailers in each commit and a hidden comment in each pull request. By them the next run recognises its own work.
// There is no other state.

// trailers returns the end of the message of every commit on the branch of a pull request: what was asked for (set), the name of the
// tree, and the digest of the edits. The tree shows that nobody amended the commit. Trailers are a claim; prover checks it.
//
// What was asked for is in the commit, not only in the pull request, because it has to change at the same moment as the branch.
func trailers(set []string, tree, digest string) string {
	var b strings.Builder
	for _, s := range set {
		b.WriteString(setTrailer + display.OneLine(s) + "\n")
	}
	fmt.Fprintf(&b, actionTrailer+"tree=%s edits=%s", tree, digest)
	return b.String()
}

const (
	setTrailer    = "Gitops-Set: "
	actionTrailer = "Gitops-Action: "
)

var trailerRE = regexp.MustCompile(`(?m)^Gitops-Action: tree=([0-9a-f]{40,64}) edits=([0-9a-f]{16})\s*\z`)

// setLinesOf returns the lines of a set from the trailers of a commit.
func setLinesOf(message string) []string {
	_, block, _ := cutLast(strings.TrimSpace(message), "\n\n")
	var out []string
	for line := range strings.Lines(block) {
		if s, ok := strings.CutPrefix(strings.TrimSpace(line), setTrailer); ok {
			out = append(out, s)
		}
	}
	return out
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// marker is the hidden comment of a pull request.
type marker struct {
	Operation string `json:"operation"`
	Target    string `json:"target"`
	Title     string `json:"title"`             // as we wrote it: a person may have changed it
	Waiting   bool   `json:"waiting,omitempty"` // we made it a draft, because gates do not hold
	Closed    string `json:"closed,omitempty"`  // the head at which we closed it
	History   []step `json:"history"`
}

// step is one request that a pull request was opened or updated for.
type step struct {
	Set []string `json:"set"` // what was asked for, one image or value each
	At  string   `json:"at"`  // RFC 3339
	Run string   `json:"run,omitempty"`
}

const (
	markerStart = "<!-- gitops-action: "
	markerEnd   = " -->"
	maxHistory  = 20
)

// String is the comment. encoding/json writes < and > as escapes, so nothing inside can end it.
func (m marker) String() string {
	data, err := json.Marshal(m)
	if err != nil { // strings only: cannot happen
		return ""
	}
	return markerStart + string(data) + markerEnd
}

// parseMarker finds the marker in the body of a pull request, and the text a person wrote below it.
func parseMarker(body string) (m marker, below string, ok bool) {
	_, rest, found := strings.Cut(body, markerStart)
	if !found {
		return marker{}, "", false
	}
	data, below, found := strings.Cut(rest, markerEnd)
	if !found || json.Unmarshal([]byte(data), &m) != nil {
		return marker{}, "", false
	}
	return m, strings.TrimSpace(below), true
}

// withMarker replaces the marker in the body of a pull request.
func withMarker(body string, m marker) string {
	before, rest, found := strings.Cut(body, markerStart)
	_, below, ended := strings.Cut(rest, markerEnd)
	if !found || !ended {
		return body
	}
	return before + m.String() + below
}

// last returns what the newest step asked for.
func (m marker) last() []string {
	if len(m.History) == 0 {
		return nil
	}
	return m.History[len(m.History)-1].Set
}

// with adds a step unless it asks for the same as the last one.
func (m marker) with(s step) marker {
	if strings.Join(m.last(), "\n") == strings.Join(s.Set, "\n") {
		return m
	}
	m.History = append(append([]step(nil), m.History...), s)
	if n := len(m.History); n > maxHistory {
		m.History = m.History[n-maxHistory:]
	}
	return m
}
