package reconcile

import (
	"context"
)

// compileHealth refuses health rules that cannot be evaluated, before anything is written.
func (p reading) compileHealth(context.Context) (err error) {
	p.track.Rules, err = p.env.rules.Compile(p.app.Health)
	return err
}
