package health

import (
	"encoding/json"
	"sync"
)

// Cache keeps compiled rules, by their text: each is compiled once in the life of a process.
type Cache struct{ compiled sync.Map }

type cached struct {
	rules *Rules
	err   error
}

// Compile is Compile, and remembers. Without rules it returns nil, which stands for no rules.
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
