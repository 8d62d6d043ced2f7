package action

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/registry"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Bounds of what a promotion says about where its versions come from.
const (
	maxRevisions = 30 // commits of a part of the source environment that are read
	maxCarriers  = 10 // files of it that are read in each
	maxStrands   = 10 // parts whose history is read, unless a gate asks for all
)

// target is the environment of a promotion, for people.
func (p Plan) target() string {
	if p.Promoted == nil {
		return ""
	}
	return p.Promoted.toName
}

func (p Plan) gates() []promotion.GateResult {
	if p.Promoted == nil {
		return nil
	}
	return p.Promoted.gates
}

// waits says which gates of a promotion do not hold.
func (p Plan) waits() string {
	if p.Promoted == nil || len(p.Files) == 0 {
		return ""
	}
	return promotion.Unmet(p.Promoted.gates)
}

func (p Plan) waitLine() string { return fmt.Sprintf("= %s waits: %s", p.target(), p.waits()) }

// describe adds to a plan what a reviewer wants to know: which places keep an old version, and for a promotion whether its gates
// hold, which commits brought the versions to the source, and what changed in the application.
func (w provenance) describe(ctx context.Context, st *github.State, p *Plan) error {
	defer func() {
		if left := p.leftSection(); left != "" {
			p.Sections = append(p.Sections, left)
		}
	}()
	if p.Promoted == nil || len(p.Edits) == 0 {
		return nil
	}
	env := p.Promoted.env
	strands := p.Promoted.strands
	if env == nil || env.Gates == nil || !env.Gates.AsksForPulls() {
		strands = strands[:min(len(strands), maxStrands)] // for people; gates look at everything
	}
	histories, err := histories(ctx, w.client, st.Base.Target.OID, strands)
	if err != nil {
		return err
	}
	arrivals := promotion.Arrivals(p.Edits, strands, histories)
	if env != nil && env.Gates != nil {
		line, err := reports(ctx, w.client, st.Base.Target.OID, p.Promoted.sourcePaths())
		if err != nil {
			return err
		}
		p.Promoted.gates = env.Gates.Check(line, arrivals, w.now())
		p.Sections = append(p.Sections, gateSection(p.Promoted.gates))
	}
	if links := p.compareSection(w.labels(ctx, p.Edits)); links != "" {
		p.Sections = append(p.Sections, links)
	}
	if commits := p.commitSection(arrivals, w.in.ServerURL+"/"+st.Name); commits != "" {
		p.Sections = append(p.Sections, commits)
	}
	return nil
}

// sourcePaths returns the parts of the source that versions are taken from, each once.
func (p *promoted) sourcePaths() []string {
	var out []string
	for _, s := range p.strands {
		if !slices.Contains(out, s.From) {
			out = append(out, s.From)
		}
	}
	return out
}

// commitSection lists the commits that brought the versions to the source.
func (p Plan) commitSection(arrivals []promotion.Arrival, web string) string {
	var lines []string
	for _, a := range arrivals {
		lines = append(lines, fmt.Sprintf("- [`%s`](%s/commit/%s) %s: %s (%s)\n", display.SHA(a.SHA), web, a.SHA, display.Code(strings.Join(a.What, ", ")), display.Plain(display.Shorten(a.Headline, 120)), broughtBy(a.Revision)))
	}
	if len(lines) == 0 {
		return ""
	}
	return "Commits that brought these versions to " + display.Code(p.Promoted.fromName) + ":\n\n" + strings.Join(lines, "")
}

// broughtBy says who made a commit, when, and by which pull request. A login is written without the @ that would notify.
func broughtBy(rev promotion.Revision) string {
	text := display.Plain(rev.Author) + ", " + rev.Date.UTC().Format(time.DateOnly)
	if rev.Pull != nil {
		text += fmt.Sprintf(", #%d", rev.Pull.Number)
	}
	return text
}

// compareSection links each image's two versions in the application's repository.
func (p Plan) compareSection(labels map[bumper.Image]registry.Labels) string {
	var lines []string
	for _, e := range p.Edits {
		if e.Image == "" {
			continue
		}
		if link := p.Promoted.compareLink(e, labels); link != "" {
			line := fmt.Sprintf("- %s %s → %s: [what changed](%s)\n", display.Code(display.ShortName(e.After.Name)), display.Code(display.Version(e.Before)), display.Code(display.Version(e.After)), link)
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "Changes of the application:\n\n" + strings.Join(lines, "")
}

// compareLink returns the address of the comparison, "" when it is not known. promotion.yaml names the repository, or a label of the
// image does. Commits that labels name come before tags.
func (p *promoted) compareLink(e bumper.Edit, labels map[bumper.Image]registry.Labels) string {
	old, now := labels[e.Before], labels[e.After]
	repository, tag := "", ""
	for _, s := range p.sources {
		if (bumper.Image{Name: s.Image}).Normalised() == e.Image {
			repository, tag = s.Repository, s.Tag
		}
	}
	if repository == "" {
		repository = now.Source
	}
	if repository == "" {
		return ""
	}
	if old.Revision != "" && now.Revision != "" {
		return repository + "/compare/" + old.Revision + "..." + now.Revision
	}
	if tag == "" || e.Before.Tag == "" || e.After.Tag == "" {
		return ""
	}
	at := func(t string) string { return strings.ReplaceAll(tag, "{tag}", t) }
	return repository + "/compare/" + at(e.Before.Tag) + "..." + at(e.After.Tag)
}

// gateSection returns the table of the gates.
func gateSection(gates []promotion.GateResult) string {
	if len(gates) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| Gate | Met | |\n|---|---|---|\n")
	for _, g := range gates {
		met := "no"
		if g.Met {
			met = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", display.Code(g.Gate), met, display.Plain(g.Detail))
	}
	return b.String()
}
