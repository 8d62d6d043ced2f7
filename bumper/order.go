package bumper

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Tags have no order of their own. The ones below are recognised: versions (1.2.3, v1.2, 1.2.3-rc.1, 2024.01.02), numbers
// (1043, build-1043), dates (20240102, 2024-01-02T15-04-05Z) and branch-commit-time (main-1a2b3c4-1700000000). Whatever
// might be something else, a commit above all, has no known order, so that a guess never stops a bump.
var (
	tagVersionRE = regexp.MustCompile(`^([A-Za-z][A-Za-z_-]*?[-_.])?[vV]?([0-9]+(?:\.[0-9]+)*)((?:[-_.T].*|(?:rc|a|b|alpha|beta)[0-9]*)?)$`)
	commitRE     = regexp.MustCompile(`^g?[0-9a-f]{7,40}$`)
	wordRE       = regexp.MustCompile(`[-_.]`)
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
	core, rest := strings.Split(m[2], "."), strings.ToLower(m[3])
	glued := rest != "" && !strings.Contains("-_.t", rest[:1])
	switch {
	case prefix == "sha" || prefix == "git" || prefix == "commit": // numbers only by chance
		return tagVersion{}, false
	case len(core) == 1 && (glued || mayBeCommit(core[0])): // 6543b21 is no beta
		return tagVersion{}, false
	case prefix == "v":
		prefix = ""
	}
	return tagVersion{prefix, core, rest}, true
}

// mayBeCommit reports whether a word can be the name of a commit, whole or as short as Git and CI systems cut it. Digits alone
// can be one of those lengths by chance, so only dates of that length are taken for numbers.
func mayBeCommit(word string) bool {
	if !commitRE.MatchString(word) {
		return false
	}
	if strings.Trim(word, "0123456789") != "" {
		return true
	}
	return len(word) == 7 || len(word) == 8 && !dateRE.MatchString(word) || len(word) == 40
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

// differentKind reports whether a begins with a date or a year, or is a build number, and b something else.
func differentKind(a, b []string) bool {
	if dated(a[0]) != dated(b[0]) && len(a) > 1 && len(b) > 1 {
		return true
	}
	if len(a) != 1 {
		return false
	}
	if dateRE.MatchString(a[0]) {
		return len(b) != 1 || !dateRE.MatchString(b[0])
	}
	return len(b) > 1 && len(a[0]) > 3
}

func dated(number string) bool {
	return dateRE.MatchString(number) || len(number) == 4 && (number[:2] == "19" || number[:2] == "20")
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
	}
	left, right := wordRE.Split(a, -1), wordRE.Split(b, -1)
	if !slices.EqualFunc(left, right, sameForm) {
		return 0, false
	}
	for i := range left {
		if left[i] != right[i] && mayBeCommit(left[i]) {
			return 0, false
		}
		numbers := digitsRE.FindAllString(right[i], -1)
		for j, number := range digitsRE.FindAllString(left[i], -1) {
			if order := compareNumbers(number, numbers[j]); order != 0 {
				return order, true
			}
		}
	}
	return 0, true
}

// sameForm reports whether two words differ in their numbers only, or may both be names of commits.
func sameForm(a, b string) bool {
	return mayBeCommit(a) && mayBeCommit(b) || digitsRE.ReplaceAllString(a, "#") == digitsRE.ReplaceAllString(b, "#")
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
