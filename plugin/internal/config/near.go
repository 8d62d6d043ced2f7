package config

import "slices"

// didYouMean is a hint that names the word of words that wanted was probably meant to be, or else all of them.
func didYouMean(wanted string, words []string) string {
	best, least := "", 3 // more letters apart is another word
	for _, w := range words {
		if d := distance(wanted, w); d < least && d < len(wanted) {
			best, least = w, d
		}
	}
	if best != "" {
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

// distance is the number of letters to insert, delete or replace to get from a to b.
func distance(a, b string) int {
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
