package bumper

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// settleAliases makes sure that an edit changes what it says and nothing else, where a scalar counts in several places
// through aliases and merge keys. It drops the edits of such places that follow from the edit where the scalar is
// written, refuses those that do not, and refuses to change a scalar that another image takes as well, unless the same value
// was asked for that image. Other values that follow are noted.
func (s *scanned) settleAliases(edits []wanted, note func(string, ...any)) ([]wanted, Refusals) {
	direct := map[*yaml.Node]wanted{}
	var out []wanted
	var refused Refusals
	for _, e := range edits {
		if e.at.via != nil {
			continue
		}
		if first, ok := direct[e.at.node]; !ok {
			direct[e.at.node] = e
			out = append(out, e)
		} else if first.value != e.value {
			refused = append(refused, s.refusal(e.at, "", "is asked to be both %q and %q", first.value, e.value))
		}
	}
	for _, e := range edits {
		if e.at.via == nil {
			continue
		}
		if first, ok := direct[e.at.node]; !ok || first.value != e.value {
			refused = append(refused, s.refuseInherited(e.at))
		}
	}
	for _, e := range out {
		refused = append(refused, s.checkFollowers(e, edits, note)...)
	}
	return out, refused
}

// checkFollowers looks at the other places that change with e. Among edits are those that want the same there.
func (s *scanned) checkFollowers(e wanted, edits []wanted, note func(string, ...any)) Refusals {
	others := s.inherited[e.at.node]
	if len(others) == 0 {
		return nil
	}
	same := map[string]bool{}
	for _, f := range s.found {
		for _, c := range f.scalars() {
			if c.node != e.at.node {
				continue
			}
			asked := slices.ContainsFunc(edits, func(o wanted) bool { return o.ref == f && o.at.node == e.at.node && o.value == e.value })
			if e.ref != nil && f.image.Name != "" && f.image.Normalised() != e.ref.image.Normalised() && !asked {
				return Refusals{s.refusal(e.at, "give each image a value of its own",
					"is also the value of %s, for %s", c.path(), f.image.Name)}
			}
			same[c.path()] = true
		}
	}
	for _, c := range others {
		if e.ref == nil || !same[c.path()] {
			note("%s: %s changes with it through an alias", s.doc.place(e.at), c.path())
		}
	}
	return nil
}

// refuseInherited refuses an edit in a place that takes its value from elsewhere in the file.
func (s *scanned) refuseInherited(c *cursor) Refusal {
	top := c // where the alias is written
	for top.parent != nil && top.parent.via != nil {
		top = top.parent
	}
	if top.parent != nil {
		top = top.parent
	}
	line, column := top.doc.nodePosition(c.via)
	r := Refusal{File: s.doc.path, Line: line, Column: column, Path: c.path()}
	switch alias := c.via.Kind == yaml.AliasNode; {
	case c.merged && alias:
		r.Reason = "is merged in from *" + c.via.Value + " (<<)"
	case c.merged:
		r.Reason = "is merged in from elsewhere (<<)"
	default:
		r.Reason = "takes its value through the alias *" + c.via.Value
	}
	scalars := s.scalars
	if c.doc.host != nil {
		scalars = c.doc.scalars(c.doc.host)
	}
	if i := slices.IndexFunc(scalars, func(o *cursor) bool { return o.node == c.node }); i >= 0 {
		written := scalars[i]
		line, _ := s.doc.position(written)
		r.Hint = fmt.Sprintf("the value is written in line %d; edit it there: %s:%s=…", line, s.doc.path, written.path())
	}
	return r
}

func (s *scanned) refusal(c *cursor, hint, reason string, args ...any) Refusal {
	line, column := s.doc.position(c)
	return Refusal{File: s.doc.path, Line: line, Column: column, Path: c.path(), Reason: fmt.Sprintf(reason, args...), Hint: hint}
}
