package reconcile

import (
	"context"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Templates of a chart may ask what the server serves. What they asked about in vain is recorded, and looked for again:
// kinds that this commit brings count at once, and kinds that somebody else installs are found by the next process.

// inVain lists what a chart asked about and neither the server nor the chart itself has.
func inVain(asked, served []string, objects []manifest.Object) []string {
	if len(asked) == 0 {
		return nil
	}
	own := manifest.DefinedVersions(objects)
	return slices.DeleteFunc(slices.Clone(asked), func(name string) bool {
		_, found := slices.BinarySearch(served, name)
		return found || slices.Contains(own, name)
	})
}

// appeared tells whether the server serves something by now that charts of the app asked about in vain. Each version of a
// group costs one request in the life of a process, or after this process has installed a kind. A server that does not answer
// has nothing new.
func (p *pass) appeared(ctx context.Context) bool {
	for _, name := range p.rec.Asked {
		parts := strings.Split(name, "/")
		kinds, err := p.servedAt(ctx, parts[0]+"/"+parts[1])
		if err == nil && len(kinds) > 0 && (len(parts) == 2 || slices.Contains(kinds, parts[2])) {
			p.forgetServer()
			p.memory().forgetRendering(p.app.Name)
			return true
		}
	}
	return false
}

func (p *pass) servedAt(ctx context.Context, version string) ([]string, error) {
	m := p.memory()
	m.mu.Lock()
	defer m.mu.Unlock()
	if kinds, known := m.custom[version]; known {
		return kinds, nil
	}
	kinds, err := p.Cluster.KindsAt(ctx, version)
	if err != nil {
		return nil, err
	}
	if m.custom == nil {
		m.custom = map[string][]string{}
	}
	m.custom[version] = kinds
	return kinds, nil
}

func (m *memory) forgetRendering(app string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rendered, app)
}

// forgetCustom makes the next question about what charts asked for a new one.
func (m *memory) forgetCustom() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.custom = nil
}

// shareKinds renders apps again whose charts asked about kinds that apps they depend on bring in this commit. They are
// applied, and healthy, when it is the turn of these apps.
func (rd *round) shareKinds(ctx context.Context, open []*pass) {
	for range open { // a kind may bring objects that bring a kind
		again := false
		for _, p := range open {
			if p.failure != nil || len(p.asked) == 0 {
				continue
			}
			var brought []string
			for _, dep := range rd.dependencies(p) {
				if r := dep.memory().renderingOf(dep.app.Name); r != nil && r.commit == dep.commit {
					brought = append(brought, manifest.DefinedVersions(r.objects)...)
				}
			}
			slices.Sort(brought)
			if !slices.ContainsFunc(p.asked, func(name string) bool { return slices.Contains(brought, name) }) {
				continue
			}
			p.brought, again = slices.Compact(brought), true
			p.memory().forgetRendering(p.app.Name)
			p.renderListed(ctx)
		}
		if !again {
			return
		}
	}
}

// noteAsked lets the record name what charts asked about in vain.
func (p *pass) noteAsked() {
	if !slices.Equal(p.rec.Asked, p.asked) {
		p.rec.Asked, p.moved = p.asked, true
	}
}

// installed makes a pass of this process look again for what charts asked about, after a kind was installed.
func (p *pass) installed(k record.Key) {
	if k.Kind == "CustomResourceDefinition" && k.Group == "apiextensions.k8s.io" {
		p.memory().forgetCustom()
	}
}
