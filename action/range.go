package action

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Bounds of what a promotion says about where its versions come from.
const (
	maxRevisions = 30 // commits of the source environment that are read
	maxCarriers  = 10 // files of it that are read in each
)

// target is the environment of a promotion, for people.
func (p Plan) target() string {
	if p.Promoted == nil {
		return ""
	}
	return p.Promoted.toName
}

// describe adds to the plan of a promotion what a reviewer wants to know: which commits brought the versions to the
// source, and what changed in the application between the version that runs and the new one.
func (r *run) describe(ctx context.Context, st *state, p *Plan) error {
	if p.Promoted == nil {
		return nil
	}
	defer func() {
		if left := p.leftSection(); left != "" {
			p.Sections = append(p.Sections, left)
		}
	}()
	if len(p.Edits) == 0 {
		return nil
	}
	carriers := p.Promoted.carriers[:min(len(p.Promoted.carriers), maxCarriers)]
	history, err := r.client.revisions(ctx, st.base.Target.OID, p.Promoted.from, carriers, maxRevisions)
	if err != nil {
		return err
	}
	if links := p.compareSection(r.labels(ctx, p.Edits)); links != "" {
		p.Sections = append(p.Sections, links)
	}
	if commits := p.commitSection(history, r.in.ServerURL+"/"+st.name); commits != "" {
		p.Sections = append(p.Sections, commits)
	}
	return nil
}

// commitSection lists the commits of the source between what the target runs and what it gets.
func (p Plan) commitSection(history []revision, web string) string {
	images, runs := []string{}, map[string][]string{}
	for _, e := range p.Edits {
		if e.Image == "" {
			continue
		}
		if !slices.Contains(images, e.Image) {
			images = append(images, e.Image)
		}
		runs[e.Image] = append(runs[e.Image], version(e.Before))
	}
	var lines []string
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
				what = append(what, shortName(image)+" "+strings.Join(now, ", "))
			}
		}
		if len(what) > 0 {
			lines = append(lines, fmt.Sprintf("- [`%s`](%s/commit/%s) %s: %s (%s)\n", short(rev.OID), web, rev.OID, code(strings.Join(what, ", ")), plainText(shorten(rev.MessageHeadline, 120)), rev.by()))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "How it came to " + code(p.Promoted.fromName) + ":\n\n" + strings.Join(lines, "")
}

// by is who made a commit, when, and by which pull request. A login is written without the @ that would notify.
func (r revision) by() string {
	who := r.Author.Name
	if r.Author.User != nil {
		who = r.Author.User.Login
	}
	text := plainText(who) + ", " + r.CommittedDate.UTC().Format(time.DateOnly)
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
			line := fmt.Sprintf("- %s %s → %s: [what changed](%s)\n", code(shortName(e.After.Name)), code(version(e.Before)), code(version(e.After)), link)
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
