package chartrepo

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxWhole bounds an index that has to be parsed as a whole, because it is not in block style.
const maxWhole = 32 << 20

// scanner reads an index line by line. Of an index in block style, as `helm repo index` writes it, it keeps the entries of one chart only.
// Another one is kept as a whole.
type scanner struct {
	lines   *bufio.Reader
	name    string // of the chart
	margin  []byte // the indentation of the names of charts; nil before the first
	begun   bool   // entries: was read
	other   bool   // it is not in block style
	inside  bool   // among the entries of the chart
	section []byte // an index with the entries of the chart only
	whole   []byte // all that was read, until the index turns out to be in block style
	large   bool   // whole was let go
}

func newScanner(index io.Reader, name string) *scanner {
	return &scanner{lines: bufio.NewReaderSize(index, 64<<10), name: name}
}

// cut returns an index with the entries of the chart only, or the whole index where that is not in block style. It reads no further than
// the entries of the chart.
func (s *scanner) cut() ([]byte, error) {
	for begins := true; ; {
		line, err := s.lines.ReadSlice('\n')
		ends := errors.Is(err, io.EOF)
		if err != nil && !ends && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if begins && s.line(line) {
			return s.section, nil
		}
		if s.inside {
			s.section = append(s.section, line...)
		}
		if s.keep(line); ends {
			break
		}
		begins = err == nil
	}
	if s.margin == nil {
		return s.whole, nil
	}
	return s.section, nil
}

// keep keeps what may have to be parsed as a whole.
func (s *scanner) keep(line []byte) {
	switch {
	case s.margin != nil:
		s.whole = nil
	case len(s.whole)+len(line) > maxWhole:
		s.whole, s.large = nil, true
	case !s.large:
		s.whole = append(s.whole, line...)
	}
}

// line takes the beginning of a line, and reports whether the entries of the chart ended before it.
func (s *scanner) line(line []byte) (ended bool) {
	text := bytes.TrimSpace(line)
	indent := len(line) - len(bytes.TrimLeft(line, " "))
	switch {
	case s.other || len(text) == 0:
	case s.inside:
		rest, below := bytes.CutPrefix(line, s.margin)
		return !below || rest[0] != ' ' && rest[0] != '-'
	case !s.begun:
		s.begun = indent == 0 && isKey(text, "entries", true)
	case s.margin == nil && text[0] == '#':
	case s.margin == nil && (indent == 0 || text[0] == '-'):
		s.other = true
	default:
		if s.margin == nil {
			s.margin = append([]byte{}, line[:indent]...)
		}
		if s.inside = indent == len(s.margin) && isKey(text, s.name, false); s.inside {
			s.section = append(s.section, "entries:\n"...)
		}
	}
	return false
}

// isKey tells whether a line begins with a key of a mapping, and whether, if so, its value is on the lines below.
func isKey(line []byte, key string, below bool) bool {
	for _, quote := range []string{"", `"`, "'"} {
		value, ok := bytes.CutPrefix(line, []byte(quote+key+quote+":"))
		if ok && (len(value) == 0 || value[0] == ' ' || value[0] == '\t') {
			value = bytes.TrimSpace(value)
			return !below || len(value) == 0 || value[0] == '#'
		}
	}
	return false
}
