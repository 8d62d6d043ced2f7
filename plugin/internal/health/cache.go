package health

import (
	"encoding/json"
	"sync"
)

// Cache keeps compiled rules by their text, so that each is compiled once in the life of a process. Several goroutines may
// use it.
type Cache struct{ compiled sync.Map }

type cached struct {
	rules *Rules
	err   error
}

// Compile returns compiled rules, from the cache if it has them. Without rules it returns nil, which is a valid *Rules.
func (c *Cache) Compile(rules []Rule) (*Rules, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	key, err := json.Marshal(rules)
	if err != nil {
		return nil, err
	}
	if known, ok := c.compiled.Load(string(key)); ok {
		found := known.(cached)
		return found.rules, found.err
	}
	compiled, err := Compile(rules)
	c.compiled.Store(string(key), cached{compiled, err})
	return compiled, err
}
