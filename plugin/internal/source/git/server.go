package git

import (
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

// Server remembers what a Poll found out about an http server, for the next Poll: how it speaks, connections, and the token of
// a GitHub App. The zero value knows nothing. All Repo values of one repository may share it; several goroutines may use it.
type Server struct {
	asksFirst atomic.Bool // wants its list of capabilities read, or is reached by a redirect
	routes    routes
	app       appTokens
	features  atomic.Pointer[features]
	reads     reads
	refs      sync.Map // what the last poll was told, by ref
	commits   sync.Map // what refs that take the history led to: commits by what was asked
}

// remember looks up a commit, or finds it out.
func (s *Server) remember(key string, find func() (plumbing.Hash, error)) (plumbing.Hash, error) {
	if known, ok := s.commits.Load(key); ok {
		if commit, ok := known.(plumbing.Hash); ok {
			return commit, nil
		}
	}
	commit, err := find()
	if err == nil {
		s.commits.Store(key, commit)
	}
	return commit, err
}
