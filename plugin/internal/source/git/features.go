package git

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// errNotUnderstood says that a server answered, but not as one that speaks version 2 of the protocol and knows the request.
var errNotUnderstood = errors.New("the server does not answer in protocol version 2")

// features are what a server said that it can do.
type features struct {
	filter  bool // it leaves out objects that a filter names
	shallow bool // it cuts off the history
}

// usable tells whether contents can be fetched on demand.
func (f features) usable() bool { return f.filter && f.shallow }

// parseFeatures reads what a server says first in version 2, up to a flush.
func parseFeatures(r io.Reader) (features, error) {
	var f features
	in := packets{bufio.NewReader(r)}
	for {
		line, kind, err := in.next()
		if err != nil {
			return f, err
		}
		if kind == flush {
			return f, nil
		}
		if list, ok := strings.CutPrefix(line, "fetch="); ok {
			for word := range strings.FieldsSeq(list) {
				f.filter = f.filter || word == "filter"
				f.shallow = f.shallow || word == "shallow"
			}
		}
	}
}

// packets reads pkt-lines. There are two kinds more in version 2 than go-git's scanner takes.
type packets struct{ r *bufio.Reader }

// Kinds of packets.
const (
	data = iota
	flush
	delimiter
)

// next returns the text of a packet without its line feed.
func (p packets) next() (line string, kind int, err error) {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return "", data, fmt.Errorf("the answer ends too early: %w", err)
	}
	n, err := strconv.ParseUint(string(head[:]), 16, 16)
	switch {
	case err != nil || n == 3:
		return "", data, errNotUnderstood
	case n == 0:
		return "", flush, nil
	case n < 4:
		return "", delimiter, nil
	}
	text := make([]byte, n-4)
	if _, err := io.ReadFull(p.r, text); err != nil {
		return "", data, fmt.Errorf("the answer ends too early: %w", err)
	}
	return strings.TrimSuffix(string(text), "\n"), data, nil
}
