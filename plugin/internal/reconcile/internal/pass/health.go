package pass

import "context"

// CompileHealth compiles the health rules of the settings. It fails for a rule that cannot be evaluated.
func (p reading) CompileHealth(context.Context) (err error) {
	p.Track.Rules, err = p.Env.rules.Compile(p.App.Health)
	return err
}
