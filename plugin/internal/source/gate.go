package source

// Gate is a Source that may withhold a commit: it then shows an earlier one.
type Gate interface {
	// Withheld returns the commit that the last Poll withheld, and why; nil when there is none.
	Withheld() (commit string, why error)
}
