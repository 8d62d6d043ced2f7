package bumper

import (
	"cmp"
	"regexp"
	"strings"
)

// Tags have no order of their own. The ones below are recognised: versions (1.2.3, v1.2, 1.2.3-rc.1, 2024.01.02), numbers
// (1043, build-1043), dates (20240102, 2024-01-02T15-04-05Z) and branch-commit-time (main-1a2b3c4-1700000000). Whatever
// might be something else has no known order, so that a guess never stops a bump.
var (
	tagVersionRE = regexp.MustCompile(`^([A-Za-z][A-Za-z_-]*?[-_.])?[vV]?([0-9]+(?:\.[0-9]+)*)((?:[-_.T].*|(?:rc|a|b|alpha|beta)[0-9]*)?)$`)
	isoDateRE    = regexp.MustCompile(`^((?:[A-Za-z][A-Za-z_-]*?[-_.])?[0-9]{4})-([0-9]{2})-([0-9]{2})`)
	tagTimeRE    = regexp.MustCompile(`^(.*?)-?[0-9a-f]{7,40}-([0-9]{9,14})$`)
	prereleaseRE = regexp.MustCompile(`^[-_.]?(alpha|beta|a|b|rc|cr|pre|preview|dev|snapshot|nightly|canary|next)[-_.]?([0-9]*)$`)
	digitsRE     = regexp.MustCompile(`[0-9]+`)
	dateRE       = regexp.MustCompile(`^(?:19|20)[0-9]{6}(?:[0-9]{4}(?:[0-9]{2})?)?$`)
)

type tagVersion struct {
	prefix string
	core   []string // numbers, as digits
	rest   string
}

func parseTag(tag string) (tagVersion, bool) {
	m := tagVersionRE.FindStringSubmatch(isoDateRE.ReplaceAllString(tag, "$1.$2.$3"))
	if m == nil {
		return tagVersion{}, false
	}
	prefix := strings.ToLower(strings.TrimRight(m[1], "-_."))
	switch prefix {
	case "sha", "git", "commit": // numbers only by chance
		return tagVersion{}, false
	case "v":
		prefix = ""
	}
	return tagVersion{prefix, strings.Split(m[2], "."), strings.ToLower(m[3])}, true
}

// compareTags returns whether tag a is older (-1), as new (0) or newer (1) than b, and whether that is known at all.
func compareTags(a, b string) (order int, known bool) {
	if x, y := tagTimeRE.FindStringSubmatch(a), tagTimeRE.FindStringSubmatch(b); x != nil && y != nil {
		return compareNumbers(x[2], y[2]), x[1] == y[1] && len(x[2]) == len(y[2])
	}
	x, ok := parseTag(a)
	y, ok2 := parseTag(b)
	if !ok || !ok2 || x.prefix != y.prefix || differentKind(x.core, y.core) || differentKind(y.core, x.core) {
		return 0, false
	}
	for i := range min(len(x.core), len(y.core)) {
		if order := compareNumbers(x.core[i], y.core[i]); order != 0 {
			return order, true
		}
	}
	if len(x.core) != len(y.core) { // 1.25 moves, and may be 1.25.3 or not
		return 0, false
	}
	return compareRest(x.rest, y.rest)
}

// differentKind reports whether a is a date or a build number and b something else.
func differentKind(a, b []string) bool {
	if len(a) != 1 {
		return false
	}
	if dateRE.MatchString(a[0]) {
		return len(b) != 1 || !dateRE.MatchString(b[0])
	}
	return len(b) > 1 && len(a[0]) > 3
}

// compareRest orders what follows equal numbers: nothing is newer than a prerelease, and the same words with other
// numbers go by the numbers.
func compareRest(a, b string) (int, bool) {
	x, y := prereleaseRE.FindStringSubmatch(a), prereleaseRE.FindStringSubmatch(b)
	switch {
	case a == b:
		return 0, true
	case a == "" && y != nil:
		return 1, true
	case x != nil && b == "":
		return -1, true
	case x != nil && y != nil && rank(x[1]) != rank(y[1]):
		return cmp.Compare(rank(x[1]), rank(y[1])), rank(x[1]) > 0 && rank(y[1]) > 0
	case digitsRE.ReplaceAllString(a, "#") != digitsRE.ReplaceAllString(b, "#"):
		return 0, false
	}
	left, right := digitsRE.FindAllString(a, -1), digitsRE.FindAllString(b, -1)
	for i := range left {
		if order := compareNumbers(left[i], right[i]); order != 0 {
			return order, true
		}
	}
	return 0, true
}

func rank(word string) int {
	switch word {
	case "a", "alpha":
		return 1
	case "b", "beta":
		return 2
	case "rc", "cr":
		return 3
	}
	return 0
}

func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
