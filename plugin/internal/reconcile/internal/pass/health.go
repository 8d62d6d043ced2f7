package pass

import (
	"context"
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
)

// CompileHealth compiles the health rules of the settings. It fails for a rule that cannot be evaluated.
func (p reading) CompileHealth(context.Context) (err error) {
	p.Track.Rules, err = p.Env.rules.Compile(p.App.Health)
	return err
}

// waitsFor returns the objects whose health decides whether the app is done, given its own objects.
func (p *Pass) waitsFor(own []object.Key) []object.Key {
	keys, elsewhere := plan.Waits(p.App, own)
	if len(p.left) > 0 {
		keys = slices.DeleteFunc(slices.Clone(keys), p.isGone)
	}
	return slices.Concat(keys, p.Wait.For(elsewhere))
}

// AllHealthy reports whether no object that the app waits for is known to be unhealthy. An object that is not the app's counts
// if it was read.
func (p *Pass) AllHealthy() bool {
	keys := slices.DeleteFunc(p.waitsFor(slices.Collect(maps.Keys(p.Track.Refs))), func(k object.Key) bool {
		_, own := p.Track.Refs[k]
		_, read := p.Track.After[k]
		return !own && !read
	})
	return len(p.Track.Unhealthy(keys)) == 0
}
