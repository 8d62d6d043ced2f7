package action

import (
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

// maxLeft is how many places that keep an old version are listed.
const maxLeft = 50

// leftLines returns one line of the log for each place that keeps an old version.
func (p Plan) leftLines() []string {
	var out []string
	for _, l := range p.Left {
		if p.Promoted != nil {
			out = append(out, "left: "+l.String())
			continue
		}
		out = append(out, fmt.Sprintf("note: %s:%d: %s stays at %s: %s", l.File, l.Line, l.What, l.To, l.Reason))
	}
	return out
}

// leftOutput returns as many of these places as fit into an output.
func (p Plan) leftOutput() []promotion.Left {
	most := maxEdits
	if p.Promoted != nil {
		most = maxLeft
	}
	return append([]promotion.Left{}, p.Left[:min(len(p.Left), most)]...)
}

// leftSection lists these places for the pull request and the summary.
func (p Plan) leftSection() string {
	if len(p.Left) == 0 {
		return ""
	}
	title, here, there := display.Count(len(p.Left), "difference")+" not promoted", "Target", "Source"
	if p.Promoted == nil {
		title, here, there = display.Count(len(p.Left), "place")+" with the old version, not edited", "Now", "Requested"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s</summary>\n\n| What | %s | %s | Why |\n|---|---|---|---|\n", title, here, there)
	for i, l := range p.Left {
		if i == maxLeft {
			fmt.Fprintf(&b, "\nand %d more\n", len(p.Left)-i)
			break
		}
		where := l.File
		if l.Line > 0 {
			where = fmt.Sprintf("%s:%d", l.File, l.Line)
		}
		fmt.Fprintf(&b, "| %s, %s | %s | %s | %s |\n", display.Code(l.What), display.Code(where), cell(l.To), cell(l.From), display.Plain(l.Reason))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

func cell(s string) string {
	if s == "" {
		return ""
	}
	return display.Code(s)
}
