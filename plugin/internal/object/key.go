package object

// Key identifies an object whatever version of its kind is used.
type Key struct{ Group, Kind, Namespace, Name string }

// KeyOf returns the key of a reference.
func KeyOf(r Ref) Key { return Key{r.Group, r.Kind.Kind, r.Namespace, r.Name} }
