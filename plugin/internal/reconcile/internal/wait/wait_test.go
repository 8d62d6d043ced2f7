package wait

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
)

func TestNotHealthyIsTheSameTextWhileNothingChanges(t *testing.T) {
	e := &notHealthyError{object: "deployment.apps/web", health: health.Degraded, message: "ImagePullBackOff", others: 2}
	if got, want := e.Error(), "deployment.apps/web is Degraded: ImagePullBackOff (and 2 other objects)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
