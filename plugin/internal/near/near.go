// Package near finds the word that somebody meant. It knows nothing of what the words are.
package near

import "slices"

// compared is how much of a word counts, in bytes: names come from outside, and the time grows with both lengths.
const compared = 64

// DidYouMean returns a hint that names the word of words that wanted was probably meant to be, or else all of them.
// It returns "" when nothing is like it and there are no words, or too many to list.
func DidYouMean(wanted string, words []string) string {
	if best := Word(wanted, words); best != "" {
		return "did you mean " + best + "?"
	}
	if len(words) == 0 || len(words) > 20 {
		return ""
	}
	text := "one of: "
	for i, w := range slices.Sorted(slices.Values(words)) {
		if i > 0 {
			text += ", "
		}
		text += w
	}
	return text
}

// Word returns the word of words that differs from wanted in at most two letters and in fewer than wanted has,
// or "". The first of the nearest ones wins.
func Word(wanted string, words []string) string {
	best, least := "", 3 // more letters apart is another word
	for _, w := range words {
		if d := Distance(wanted, w); d < least && d < len(wanted) {
			best, least = w, d
		}
	}
	return best
}

// Distance is the Levenshtein distance of the first 64 bytes of a and b: how many bytes to insert, delete or replace.
func Distance(a, b string) int {
	a, b = a[:min(compared, len(a))], b[:min(compared, len(b))]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
