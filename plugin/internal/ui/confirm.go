package ui

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Confirm asks a question about something dangerous, and returns an error with hintText unless the answer is yes. It asks only
// when both In and Err are terminals. In a script or a pipeline it returns nil without asking.
func (t *Terminal) Confirm(question, hintText string) error {
	if !isTerminal(t.In) || !isTerminal(t.Err) {
		return nil
	}
	fmt.Fprintf(t.Err, "%s [y/N] ", t.clean(question))
	answer, err := bufio.NewReader(t.In).ReadString('\n')
	if err != nil && answer == "" {
		fmt.Fprintln(t.Err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return hint.Errorf("not confirmed, so nothing was changed", "%s", hintText)
}
