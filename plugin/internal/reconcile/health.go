package reconcile

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
)

// checks keeps compiled health rules, by their text: each is compiled once per process.
type checks struct{ compiled sync.Map }

type compiledChecks struct {
	rules *health.Rules
	err   error
}

func (c *checks) compile(rules []HealthRule) (*health.Rules, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	key, err := json.Marshal(rules)
	if err != nil {
		return nil, err
	}
	if known, ok := c.compiled.Load(string(key)); ok {
		found := known.(compiledChecks)
		return found.rules, found.err
	}
	compiled, err := health.Compile(rules)
	c.compiled.Store(string(key), compiledChecks{compiled, err})
	return compiled, err
}

// compileHealth refuses health rules that cannot be evaluated, before anything is written.
func (p *pass) compileHealth(context.Context) (err error) {
	p.health, err = p.memory().checks.compile(p.app.Health)
	return err
}
