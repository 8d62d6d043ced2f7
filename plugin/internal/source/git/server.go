package git

import (
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

// Server is what one Poll learns about an http server and the next one makes use of: how it speaks, connections, and the
// token of a GitHub App. The zero value knows nothing.
// Share one between the Repo values of one repository; it is safe for concurrent use.
type Server struct {
	asksFirst atomic.Bool // wants its list of capabilities read, or is reached by a redirect
	routes    routes
	app       appTokens
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
