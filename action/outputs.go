package action

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// outputs writes the outputs: those of the first result that changed something, and a list of all results.
func (r *reporter) outputs(results []Result) error {
	res := Result{PullOperation: "none"}
	for _, one := range results {
		if one.Changed && !res.Changed || res.Line == "" {
			res = one
		}
	}
	list, err := json.Marshal(resultList(results))
	if err != nil {
		return fmt.Errorf("write the outputs: %w", err)
	}
	images, err := json.Marshal(imageList(res.Plan.Edits))
	if err != nil {
		return fmt.Errorf("write the outputs: %w", err)
	}
	edits, err := json.Marshal(editList(res.Plan.Edits[:min(len(res.Plan.Edits), maxEdits)]))
	if err != nil {
		return fmt.Errorf("write the outputs: %w", err)
	}
	findings, err := json.Marshal(append([]Finding{}, res.Findings[:min(len(res.Findings), maxEdits)]...))
	if err != nil {
		return fmt.Errorf("write the outputs: %w", err)
	}
	gates, err := json.Marshal(append([]promotion.GateResult{}, res.Plan.gates()...))
	if err != nil {
		return fmt.Errorf("write the outputs: %w", err)
	}
	number := ""
	if res.Number > 0 {
		number = strconv.Itoa(res.Number)
	}
	var b strings.Builder
	for _, o := range [][2]string{
		{"changed", strconv.FormatBool(res.Changed)}, {"commit", res.Commit}, {"verified", strconv.FormatBool(res.Verified)},
		{"branch", res.Branch}, {"pr-number", number}, {"pr-url", res.URL}, {"pr-operation", res.PullOperation},
		{"images", string(images)}, {"edits", string(edits)}, {"results", string(list)},
		{"gates", string(gates)}, {"findings", string(findings)}, {"image-only", res.ImageOnly},
	} {
		line, err := output(o[0], r.clean(o[1]))
		if err != nil {
			return err
		}
		b.WriteString(line)
	}
	return r.appendTo("GITHUB_OUTPUT", b.String())
}

// output returns one output between random delimiters, so that no value can end itself and start another output. The value becomes
// one line.
func output(name, value string) (string, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("write the outputs: %w", err)
	}
	end := "end_" + hex.EncodeToString(random[:])
	value = display.OneLine(value)
	if strings.Contains(value, end) {
		return "", fmt.Errorf("write the output %s: it contains its own delimiter", name)
	}
	return fmt.Sprintf("%s<<%s\n%s\n%s\n", name, end, value, end), nil
}

// editJSON is one entry of the edits output and of bump -o json.
type editJSON struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Path   string `json:"path"`
	Image  string `json:"image,omitempty"`
	Old    string `json:"old"`
	New    string `json:"new"`
}

func editList(edits []bumper.Edit) []editJSON {
	out := make([]editJSON, 0, len(edits))
	for _, e := range edits {
		out = append(out, editJSON{e.File, e.Line, e.Column, e.Path, e.Image, e.Old, e.New})
	}
	return out
}

// resultJSON is one entry of the results output: one target of a promotion, or the one thing another operation did.
type resultJSON struct {
	Target        string                 `json:"target,omitempty"`
	Changed       bool                   `json:"changed"`
	Line          string                 `json:"line"`
	Commit        string                 `json:"commit,omitempty"`
	Branch        string                 `json:"branch,omitempty"`
	Number        int                    `json:"prNumber,omitempty"`
	URL           string                 `json:"prUrl,omitempty"`
	PullOperation string                 `json:"prOperation"`
	Images        []imageJSON            `json:"images"`
	Gates         []promotion.GateResult `json:"gates,omitempty"`
	Left          []promotion.Left       `json:"left,omitempty"`
}

func resultList(results []Result) []resultJSON {
	out := []resultJSON{}
	for _, r := range results {
		out = append(out, resultJSON{Target: r.Target, Changed: r.Changed, Line: r.Line, Commit: r.Commit, Branch: r.Branch, Number: r.Number, URL: r.URL,
			PullOperation: r.PullOperation, Images: imageList(r.Plan.Edits), Left: r.Plan.leftOutput(), Gates: r.Plan.gates()})
	}
	return out
}

// imageJSON is one entry of the images output.
type imageJSON struct {
	Name string   `json:"name"`
	From []string `json:"from"`
	To   string   `json:"to"`
}

// imageList is one entry for each image, with every version it had.
func imageList(edits []bumper.Edit) []imageJSON {
	out, at := []imageJSON{}, map[string]int{}
	for _, e := range edits {
		if e.Image == "" {
			continue
		}
		i, ok := at[e.Image]
		if !ok {
			i = len(out)
			at[e.Image] = i
			out = append(out, imageJSON{Name: e.Image, From: []string{}, To: e.After.String()})
		}
		from := e.Before.String()
		if n := len(out[i].From); n == 0 || out[i].From[n-1] != from {
			out[i].From = append(out[i].From, from)
		}
	}
	return out
}
