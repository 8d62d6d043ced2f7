package bumper

import (
	"fmt"
	"strconv"
	"strings"
)

// A step is one part of a YAML path: a key of a mapping, an index in a sequence, or a field that selects an item.
type step struct {
	kind         stepKind
	key          string // byKey
	index        int    // byIndex
	field, value string // byField
}

type stepKind int

const (
	byKey stepKind = iota
	byIndex
	byField
)

// parsePath reads the path syntax documented at Value.
func parsePath(s string) ([]step, error) {
	var steps []step
	rest := s
	for first := true; rest != "" || first; first = false {
		var (
			next step
			err  error
		)
		switch {
		case strings.HasPrefix(rest, "["):
			next, rest, err = parseBracket(rest)
		case first:
			next.key, rest, err = parseKey(rest)
		case strings.HasPrefix(rest, "."):
			next.key, rest, err = parseKey(rest[1:])
		default:
			err = fmt.Errorf("expected . or [ at %q", rest)
		}
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", s, err)
		}
		steps = append(steps, next)
	}
	return steps, nil
}

func parseKey(s string) (key, rest string, err error) {
	var b strings.Builder
	i := 0
	for ; i < len(s) && s[i] != '.' && s[i] != '['; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	if b.Len() == 0 {
		return "", "", fmt.Errorf("a key is empty")
	}
	return b.String(), s[i:], nil
}

func parseBracket(s string) (step, string, error) {
	if strings.HasPrefix(s, `["`) {
		quoted, err := strconv.QuotedPrefix(s[1:])
		rest := strings.TrimPrefix(s[1:], quoted)
		if err != nil || !strings.HasPrefix(rest, "]") {
			return step{}, "", fmt.Errorf(`%s: a quoted key ends with "]`, s)
		}
		key, err := strconv.Unquote(quoted)
		return step{key: key}, rest[1:], err
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return step{}, "", fmt.Errorf("%s: no closing ]", s)
	}
	inner, rest := s[1:end], s[end+1:]
	if field, value, ok := strings.Cut(inner, "="); ok && field != "" {
		return step{kind: byField, field: field, value: value}, rest, nil
	}
	index, err := strconv.Atoi(inner)
	if err != nil || index < 0 {
		return step{}, "", fmt.Errorf("[%s]: not an index, a field=value or a quoted key", inner)
	}
	return step{kind: byIndex, index: index}, rest, nil
}

// formatPath is the reverse of parsePath.
func formatPath(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.kind == byIndex:
			fmt.Fprintf(&b, "[%d]", s.index)
		case s.kind == byField:
			fmt.Fprintf(&b, "[%s=%s]", s.field, s.value)
		case s.key == "" || strings.ContainsAny(s.key, ".[]=\"\\\n \t:"):
			fmt.Fprintf(&b, "[%s]", strconv.Quote(s.key))
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		}
	}
	return b.String()
}
