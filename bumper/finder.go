package bumper

import "gopkg.in/yaml.v3"

// aliasBudget bounds what following aliases may cost: far above real files, far below an alias bomb.
const aliasBudget = 200_000

// finder walks one document and collects the references in it.
type finder struct {
	doc     *document
	found   []*found
	scalars []*cursor // every scalar where it is written, for markers
	// inherited are the other places where a scalar counts, through aliases and merge keys.
	inherited map[*yaml.Node][]*cursor
	texts     map[*yaml.Node]*document // the documents inside scalars, nil where there is none
	hosts     []*cursor                // the scalars whose texts can be edited
	budget    int                      // how many more nodes may be visited through aliases
}

func (w *finder) add(ref *found) {
	ref.doc = w.doc
	w.found = append(w.found, ref)
}
