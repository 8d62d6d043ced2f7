package object

import (
	"fmt"
	"strconv"
	"strings"
)

// Path joins the segments of the path of a request. Each must stay one segment: an empty one, one with a separator or one
// that leads to a parent is an error. Nothing is escaped: net/url does that with what may stand in a segment.
func Path(segments ...string) (string, error) {
	var path strings.Builder
	for _, s := range segments {
		if s == "" || s == "." || s == ".." || strings.ContainsAny(s, `/\%?#`) || strings.ContainsFunc(s, unprintable) {
			return "", fmt.Errorf("%s cannot be a part of the path of a request", quoted(s))
		}
		path.WriteString("/" + s)
	}
	return path.String(), nil
}

// unprintable tells characters that are not printed, or that look like none, and those beyond ASCII.
func unprintable(r rune) bool { return r < ' ' || r > '~' }

// quoted is a text in quotes, shortened, without characters that steer a terminal.
func quoted(s string) string {
	const most = 80
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
