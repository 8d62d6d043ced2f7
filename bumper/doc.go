// Package bumper finds image references in the YAML of a configuration repository and edits them.
//
// The YAML parser only locates a scalar; the edit replaces the bytes of that one token, so that comments, quotes,
// indentation, line endings and everything else survive. Each edited file is parsed again, and the difference between
// the two versions must be exactly the edits asked for. What cannot be edited that way is refused, with its line and
// column and the reason, and then nothing is changed at all. Places that no edit of images can reach (texts, arguments,
// comments) do not stop an edit; the result lists those that keep an old version.
//
// The package takes bytes and returns bytes. It does NOT read or write files, talk to Git, to a registry or to a
// cluster, resolve digests, check that a tag exists, render charts or templates, add or remove keys, or rewrite the
// layout of a file.
package bumper
