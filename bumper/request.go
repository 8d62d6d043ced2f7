package bumper

// File is one file of the tree: its slash-separated path from the root of the repository, and its bytes.
type File struct {
	Path string
	Data []byte
}

// Request says what to change. Images are looked for by name in the whole tree; Values name one scalar each.
type Request struct {
	Images []Image
	Values []Value
	// AllowDowngrade accepts a tag that is older than the one in the file. Values are never compared.
	AllowDowngrade bool
	// Context are files that are only read to understand the others: the defaults of a chart, when only the values of one environment
	// may be edited. Nothing in them is found, edited or left. A file that is edited does not count here.
	Context []File
}
