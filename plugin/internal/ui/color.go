package ui

import (
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// The values of --color.
const (
	ColorAuto   = "auto"
	ColorAlways = "always"
	ColorNever  = "never"
)

// CheckColor returns an error with a hint for an unknown value of --color.
func CheckColor(color string) error {
	switch color {
	case ColorAuto, ColorAlways, ColorNever:
		return nil
	}
	return hint.Errorf(fmt.Sprintf("unknown value %q of --color", color), "one of: auto, always, never")
}

// style is the SGR parameter of a colour; empty is none.
type style string

const (
	plain  style = ""
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
	grey   style = "90"
)

func paint(on bool, s style, text string) string {
	if !on || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// styleOf is the colour of a word of the vocabulary.
func styleOf(word string) style {
	switch word {
	case "Synced", "Healthy", "Succeeded":
		return green
	case "Drifted", "Reverted", "Missing", "reverted":
		return yellow
	case "Pending", "Progressing":
		return blue
	case "Failed", "Degraded", "failed":
		return red
	case "Suspended", "Unknown":
		return grey
	}
	return plain
}
