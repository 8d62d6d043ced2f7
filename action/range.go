package action

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
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

func (p Plan) gates() []gateResult {
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
	return unmet(p.Promoted.gates)
}

func (p Plan) waitLine() string { return fmt.Sprintf("= %s waits: %s", p.target(), p.waits()) }

// describe lists what a plan leaves, and adds to the plan of a promotion what a reviewer wants to know: which commits brought the versions to the
// source, and what changed in the application between the version that runs and the new one.
func (r *run) describe(ctx context.Context, st *state, p *Plan) error {
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
	if env == nil || env.Gates == nil || !env.Gates.askPulls() {
		strands = strands[:min(len(strands), maxStrands)] // for people; gates look at everything
	}
	histories, err := r.client.histories(ctx, st.base.Target.OID, strands, maxRevisions)
	if err != nil {
		return err
	}
	arrivals := p.arrivals(strands, histories)
	if env != nil && env.Gates != nil {
		line, err := r.client.line(ctx, st.base.Target.OID, p.Promoted.sourcePaths())
		if err != nil {
			return err
		}
		p.Promoted.gates = env.Gates.check(line, arrivals, r.now())
		p.Sections = append(p.Sections, gateSection(p.Promoted.gates))
	}
	if links := p.compareSection(r.labels(ctx, p.Edits)); links != "" {
		p.Sections = append(p.Sections, links)
	}
	if commits := p.commitSection(arrivals, r.in.ServerURL+"/"+st.name); commits != "" {
		p.Sections = append(p.Sections, commits)
	}
	return nil
}

// arrival is a commit that brought versions to the source.
type arrival struct {
	rev  revision
	what []string // "api 1.8.2"
}

// sourcePaths are the parts of the source that versions are taken from, without repetition.
func (p *promoted) sourcePaths() []string {
	var out []string
	for _, s := range p.strands {
		if !slices.Contains(out, s.from) {
			out = append(out, s.from)
		}
	}
	return out
}

// arrivals are the commits of the source between what the target runs and what it gets, newest first in each strand.
func (p Plan) arrivals(strands []strand, histories [][]revision) []arrival {
	var out []arrival
	for i, s := range strands {
		for _, a := range p.arrivalsOf(s, histories[i]) {
			at := slices.IndexFunc(out, func(o arrival) bool { return o.rev.OID == a.rev.OID })
			if at < 0 {
				out = append(out, a)
				continue
			}
			for _, what := range a.what {
				if !slices.Contains(out[at].what, what) {
					out[at].what = append(out[at].what, what)
				}
			}
		}
	}
	return out
}

// arrivalsOf are the arrivals of one strand, newest first.
func (p Plan) arrivalsOf(s strand, history []revision) []arrival {
	images, runs := []string{}, map[string][]string{}
	for _, e := range p.Edits {
		if e.Image == "" || !glob.Below(s.to, e.File) {
			continue
		}
		if !slices.Contains(images, e.Image) {
			images = append(images, e.Image)
		}
		runs[e.Image] = append(runs[e.Image], exact(e.Before))
	}
	var out []arrival
	arrived := map[string]bool{} // images whose way is told back to what the target runs
	for i, rev := range history {
		var what []string
		for _, image := range images {
			if arrived[image] {
				continue
			}
			now := rev.versions(image)
			if len(now) == 1 && slices.Contains(runs[image], now[0]) {
				arrived[image] = true
				continue
			}
			var before []string
			if i+1 < len(history) {
				before = history[i+1].versions(image)
			}
			if len(now) > 0 && !slices.Equal(now, before) {
				for i, v := range now {
					now[i] = shown(v)
				}
				what = append(what, display.ShortName(image)+" "+strings.Join(now, ", "))
			}
		}
		if len(what) > 0 {
			out = append(out, arrival{rev, what})
		}
	}
	return out
}

// commitSection lists the arrivals.
func (p Plan) commitSection(arrivals []arrival, web string) string {
	var lines []string
	for _, a := range arrivals {
		lines = append(lines, fmt.Sprintf("- [`%s`](%s/commit/%s) %s: %s (%s)\n", display.SHA(a.rev.OID), web, a.rev.OID, display.Code(strings.Join(a.what, ", ")), display.Plain(display.Shorten(a.rev.MessageHeadline, 120)), a.rev.by()))
	}
	if len(lines) == 0 {
		return ""
	}
	return "How it came to " + display.Code(p.Promoted.fromName) + ":\n\n" + strings.Join(lines, "")
}

// by is who made a commit, when, and by which pull request. A login is written without the @ that would notify.
func (r revision) by() string {
	who := r.Author.Name
	if r.Author.User != nil {
		who = r.Author.User.Login
	}
	text := display.Plain(who) + ", " + r.CommittedDate.UTC().Format(time.DateOnly)
	if pr := r.pull(); pr != nil {
		text += fmt.Sprintf(", #%d", pr.Number)
	}
	return text
}

// pull is the merged pull request that brought the commit, or nil.
func (r revision) pull() *sourcePull {
	for i, p := range r.AssociatedPullRequests.Nodes {
		if p.Merged {
			return &r.AssociatedPullRequests.Nodes[i]
		}
	}
	return nil
}

// compareSection links each image's two versions in the application's repository.
func (p Plan) compareSection(labels map[bumper.Image]imageLabels) string {
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
	return "In the application:\n\n" + strings.Join(lines, "")
}

// compareLink is the address of the comparison. The repository is the one that promotion.yaml names, or the one that
// the image's label names; commits from labels are better than tags.
func (p *promoted) compareLink(e bumper.Edit, labels map[bumper.Image]imageLabels) string {
	old, now := labels[e.Before], labels[e.After]
	repository, tag := "", ""
	for _, s := range p.sources {
		if (bumper.Image{Name: s.Image}).Normalised() == e.Image {
			repository, tag = s.Repository, s.Tag
		}
	}
	if repository == "" {
		repository = now.source
	}
	if repository == "" {
		return ""
	}
	if old.revision != "" && now.revision != "" {
		return repository + "/compare/" + old.revision + "..." + now.revision
	}
	if tag == "" || e.Before.Tag == "" || e.After.Tag == "" {
		return ""
	}
	at := func(t string) string { return strings.ReplaceAll(tag, "{tag}", t) }
	return repository + "/compare/" + at(e.Before.Tag) + "..." + at(e.After.Tag)
}
