package object

import (
	"cmp"
)

// Spread finds out whether there is more than one namespace.
type Spread struct {
	first string
	many  bool
}

// See takes a namespace into account; "" is none.
func (s *Spread) See(namespace string) {
	s.first = cmp.Or(s.first, namespace)
	s.many = s.many || namespace != "" && namespace != s.first
}

// Many tells whether there is more than one.
func (s *Spread) Many() bool { return s.many }

// ShortIn is kind.group/name and, for an app that is spread over namespaces, " -n " and the namespace.
func ShortIn(ref Ref, spread bool) string {
	if !spread || ref.Namespace == "" {
		return ref.String()
	}
	return ref.String() + " -n " + ref.Namespace
}
