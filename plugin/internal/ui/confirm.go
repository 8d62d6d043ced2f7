package plugin

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// confirm asks a question with a danger in it, and returns an error unless the answer is yes. It asks only where a person
// can answer, with a terminal on both In and Err: scripts and pipelines go on as their flags say.
func (u *ui) confirm(question, hintText string) error {
	if !isTerminal(u.In) || !isTerminal(u.Err) {
		return nil
	}
	fmt.Fprintf(u.Err, "%s [y/N] ", u.clean(question))
	answer, err := bufio.NewReader(u.In).ReadString('\n')
	if err != nil && answer == "" {
		fmt.Fprintln(u.Err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return hint.Errorf("not confirmed, so nothing was changed", "%s", hintText)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
