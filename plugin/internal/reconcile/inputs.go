package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Most commits concern few apps. Which ones, their inputs tell: what of the checkout a render read or looked for, by
// Git's names for it, and what else it was given. The record keeps them while its rows are exactly what was rendered.
// An app whose inputs are the recorded ones at a new commit is judged as at the recorded commit. The settings and the
// version of the tool are compared beside them, and variables with the settings.

// inputsOf names what a render with options o depended on; nil where that cannot be told.
func inputsOf(t *Tree, paths []string, o render.Options) *record.Inputs {
	digest := digestOf(t, paths, o)
	if digest == "" {
		return nil
	}
	return &record.Inputs{Paths: paths, Digest: digest}
}

// digestOf is "" where Git does not know what the files are: in a working tree, or where the file system finds a file by
// another spelling of its name.
func digestOf(t *Tree, paths []string, o render.Options) string {
	if t.Objects == nil || len(paths) == 0 {
		return ""
	}
	o.Substitute, o.AgeKeys = nil, "" // Git has the ciphertext, and a value must not be told by a hash without a key
	given, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	h := sha256.New()
	h.Write(given)
	for _, name := range paths {
		at := t.Objects.At(name)
		if _, err := t.Root.Lstat(name); at == "" && err == nil {
			return ""
		}
		fmt.Fprintf(h, "\n%q %s", name, at)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// untouched tells whether a render of the new commit would give what the record holds. An app whose last run failed, or
// whose list does not say that it equals a commit, is not taken for one.
func (p *pass) untouched(ctx context.Context) bool {
	in := p.rec.Inputs
	sure := p.rec.Settled
	if p.listed != nil {
		sure = p.listed.holds != nil
	}
	if in == nil || !sure || p.opts.drift != nil {
		return false
	}
	tree, err := p.openTree(ctx)
	if err != nil {
		return false // rendering says why
	}
	defer tree.Close()
	options, err := p.renderOptions(ctx, tree.Root)
	if err != nil || digestOf(tree, in.Paths, options) != in.Digest {
		return false
	}
	p.fetched(tree.Revision)
	p.carry(tree, options)
	return true
}

// passOver ends the planning of an app that the new commit does not touch.
func (p *pass) passOver() {
	if p.listed != nil {
		p.listed.untouched = true // the list of apps names the commit for all of them
		return
	}
	p.Say(report.Fetched, "%s, which does not touch %s", p.fetchedText(p.revision, p.rec.Revision.Commit), p.app.Path)
	p.rec.Revision, p.moved = p.revision, true
}

// noteInputs lets the record name what the app was rendered from: the charts, and all inputs if its rows are what was
// rendered, no more and no less.
func (p *pass) noteInputs() {
	if !slices.Equal(p.rec.Charts, p.charts) {
		p.rec.Charts, p.moved = p.charts, true
	}
	p.noteAsked()
	before := p.rec.Inputs
	p.rec.Inputs = p.inputs
	if p.deferred || len(p.ignored) > 0 || len(p.desired) != len(p.rec.Rows) {
		p.rec.Inputs = nil
	}
	for _, o := range p.desired {
		if _, recorded := p.rec.Rows[o.Key()]; !recorded {
			p.rec.Inputs = nil
		}
	}
	if after := p.rec.Inputs; (before == nil) != (after == nil) || before != nil && before.Digest != after.Digest {
		p.moved = true
	}
}

// carry takes the last rendering of the app over to the commit of the tree, nil unless a render would give the same.
func (p *pass) carry(tree *Tree, o render.Options) *rendering {
	last := p.memory().renderingOf(p.app.Name)
	if last == nil || last.inputs == nil || last.settings != p.config || digestOf(tree, last.inputs.Paths, o) != last.inputs.Digest {
		return nil
	}
	now := *last
	now.commit, now.revision = p.commit, tree.Revision
	p.memory().keep(p.app.Name, &now)
	return &now
}

// server is what the API server is, as charts see it at one commit.
type server struct {
	commit   string
	versions cluster.Versions
}

// versions asks the server once for all charts of a commit.
func (p *pass) versions(ctx context.Context) (cluster.Versions, error) {
	m := p.memory()
	m.mu.Lock()
	kept := m.server
	m.mu.Unlock()
	if kept.commit == p.commit {
		return kept.versions, nil
	}
	v, err := p.Cluster.Versions(ctx)
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server = server{p.commit, v}
	return v, nil
}

// forgetServer makes the next question about the server a new one: it may serve other kinds by now.
func (p *pass) forgetServer() {
	p.Cluster.Forget()
	m := p.memory()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server, m.custom = server{}, nil
}
