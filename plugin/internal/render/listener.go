package render

import (
	"bytes"
	"strings"
)

// listener reads the standard error of a child: it keeps the first bytes, and which file the child renders now.
type listener struct {
	kept      strings.Builder
	left      int    // how much more is kept
	line      []byte // the last line, as far as it was written
	rendering string // the last file that was announced
}

// maxLine bounds the line that is waited for.
const maxLine = 4 << 10

// Write implements io.Writer.
func (l *listener) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		rest = after
		l.line = append(l.line, line...)
		if ended || len(l.line) > maxLine {
			l.end()
		}
	}
	return len(p), nil
}

func (l *listener) end() {
	if file, ok := strings.CutPrefix(string(l.line), progressPrefix); ok {
		l.rendering = file
	} else {
		keep := l.line[:min(len(l.line), l.left)]
		l.left -= len(keep)
		l.kept.Write(keep)
		l.kept.WriteByte('\n')
	}
	l.line = l.line[:0]
}

// String returns what was kept.
func (l *listener) String() string {
	l.end()
	return l.kept.String()
}

// What lines of a child's standard error begin with. The first one is Kustomize's.
const (
	warningPrefix  = "# Warning: "
	progressPrefix = "# Rendering: "
)
