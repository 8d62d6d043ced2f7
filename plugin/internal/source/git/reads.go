package git

import (
	"path"
	"sync"
)

// mostReads bounds the paths that a Server remembers.
const mostReads = 10_000

// reads are the paths that were asked for, with Git's names for what lay there.
type reads struct {
	mu sync.Mutex
	at map[string]string
}

func (r *reads) add(n *names, paths []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = map[string]string{}
	}
	for _, name := range paths {
		if at := n.At(path.Clean(name)); at != "" && len(r.at) < mostReads {
			r.at[path.Clean(name)] = at
		}
	}
}

// changed returns the paths at which something else lies in a commit, and remembers that.
func (r *reads) changed(n *names) (paths []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, was := range r.at {
		switch now := n.At(name); now {
		case was:
		case "":
			delete(r.at, name)
		default:
			r.at[name] = now
			paths = append(paths, name)
		}
	}
	return paths
}
