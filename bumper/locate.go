package bumper

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

const bom = "\xef\xbb\xbf"

// lineIndex maps the positions of yaml.v3 to byte offsets. That parser counts as a line break not only LF and CRLF but
// also a lone CR, NEL, LS and PS; its columns count characters; and a byte order mark at the start is not counted.
type lineIndex struct {
	data   []byte
	starts []int // byte offset of the start of each line
}

func indexLines(data []byte) lineIndex {
	index := lineIndex{data: data, starts: make([]int, 1, 1+bytes.Count(data, []byte{'\n'}))}
	if bytes.HasPrefix(data, []byte(bom)) {
		index.starts[0] = len(bom)
	}
	for i := index.starts[0]; i < len(data); {
		n := lineBreak(data[i:])
		if n > 0 {
			index.starts = append(index.starts, i+n)
		}
		i += max(n, 1)
	}
	return index
}

// lineBreak returns the length of the line break that b starts with, 0 if there is none.
func lineBreak(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] == '\n':
		return 1
	case b[0] == '\r' && len(b) > 1 && b[1] == '\n':
		return 2
	case b[0] == '\r':
		return 1
	case b[0] == 0xC2 && len(b) > 1 && b[1] == 0x85:
		return 2
	case b[0] == 0xE2 && len(b) > 2 && b[1] == 0x80 && (b[2] == 0xA8 || b[2] == 0xA9):
		return 3
	}
	return 0
}

// offset returns the byte offset of a line and column of yaml.v3, both from 1. It is false outside the file.
func (x lineIndex) offset(line, column int) (int, bool) {
	if line < 1 || line > len(x.starts) || column < 1 {
		return 0, false
	}
	at := x.starts[line-1]
	for ; column > 1; column-- {
		if at >= len(x.data) {
			return 0, false
		}
		_, size := utf8.DecodeRune(x.data[at:])
		at += size
	}
	return at, true
}

// lineOf returns the line that a byte is in, from 0.
func (x lineIndex) lineOf(offset int) int {
	i, exact := slices.BinarySearch(x.starts, offset)
	if !exact {
		i--
	}
	return max(i, 0)
}

// position returns line and column of a byte offset as Git, editors and annotations count them: only LF and CRLF end a
// line, columns are characters, and a byte order mark has no width.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	column = 1 + utf8.RuneCount(before[start:])
	if start == 0 && bytes.HasPrefix(before, []byte(bom)) {
		column--
	}
	return 1 + bytes.Count(before, []byte{'\n'}), column
}
