package bumper

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scalarType is what a plain scalar reads as, in YAML 1.1 or 1.2, whichever is less of a string: on is a boolean to one
// parser and a word to another, so it counts as a boolean.
type scalarType int

const (
	typeString scalarType = iota
	typeNull
	typeBool
	typeInt
	typeFloat
	typeTime
	typeMerge
)

// The patterns are those of the YAML 1.1 types (yaml.org/type) and the YAML 1.2 core schema, made a little wider where
// parsers are: quotes too many do no harm.
var (
	nullRE = regexp.MustCompile(`^(?i:~|null|)$`)
	boolRE = regexp.MustCompile(`^(?i:y|yes|n|no|true|false|on|off)$`)
	intRE  = regexp.MustCompile(`^[-+]?(?:0[bB][01_]+|0[oO]?[0-7_]+|0[xX][0-9a-fA-F_]+|[0-9][0-9_]*|` +
		`[0-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	floatRE = regexp.MustCompile(`^(?:[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|` +
		`[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?i:inf)|\.(?i:nan))$`)
	timeRE = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}.*)?$`)
)

// classify returns what s reads as when it is written without quotes.
func classify(s string) scalarType {
	if s != "" && strings.Contains("+-.0123456789", s[:1]) && strings.Contains(s, "_") { // parsers pass over underscores in numbers
		if t := classify(strings.ReplaceAll(s, "_", "")); t == typeInt || t == typeFloat {
			return t
		}
	}
	switch {
	case nullRE.MatchString(s):
		return typeNull
	case boolRE.MatchString(s):
		return typeBool
	case intRE.MatchString(s):
		return typeInt
	case floatRE.MatchString(s):
		return typeFloat
	case timeRE.MatchString(s):
		return typeTime
	case s == "<<" || s == "=":
		return typeMerge
	}
	return typeString
}

// keepsType reports whether value may replace old without quotes although it does not read as text: a number for a
// number, a boolean for a boolean.
func keepsType(old, value string) bool {
	number := func(t scalarType) bool { return t == typeInt || t == typeFloat }
	a, b := classify(old), classify(value)
	return a != typeString && a != typeNull && (a == b || number(a) && number(b))
}

// plainSafe reports whether s can be written without quotes in block and flow context.
func plainSafe(s string) bool {
	if s == "" || strings.ContainsRune("?:,[]{}#&*!|>'\"%@` \t", rune(s[0])) || strings.HasPrefix(s, "...") {
		return false
	}
	if s[0] == '-' && (len(s) == 1 || s[1] == '-' || s[1] == ' ') {
		return false
	}
	if strings.ContainsAny(s[len(s)-1:], ": ") || strings.Contains(s, ": ") || strings.Contains(s, " #") {
		return false
	}
	return !strings.ContainsAny(s, ",[]{}?\t") && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r)
	})
}
