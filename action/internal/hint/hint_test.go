package hint

import (
	"errors"
	"fmt"
	"testing"
)

func TestHint(t *testing.T) {
	base := errors.New("it failed")
	err := fmt.Errorf("above: %w", With(With(base, "inner"), "outer"))
	if err.Error() != "above: it failed" || !errors.Is(err, base) {
		t.Errorf("the text of the error changed: %v", err)
	}
	if got := Of(err); got != "outer" {
		t.Errorf("hint %q", got)
	}
	if With(base, "") != base || Of(base) != "" || Of(nil) != "" {
		t.Error("an empty hint is none")
	}
}
