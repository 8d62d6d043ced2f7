package bumper

// Value is an explicit edit of one scalar: the slash path of the file, the YAML path in it, and the new value.
//
// A YAML path is keys joined by dots, with list items by index, [0], or by a field, [name=web]. A key that holds a dot
// is written ["app.kubernetes.io/version"]. In a file of several documents a path may start with an index or a field of
// the document: [1].spec.replicas, [kind=Deployment][metadata.name=web].spec.replicas.
type Value struct {
	File, Path, Value string
}

// ParseValue reads file:path=value. The value is everything after the first = outside brackets.
func ParseValue(s string) (Value, error) {
	return Value{}, nil
}
