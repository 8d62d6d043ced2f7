package target

import (
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// Each limit of the Git source has its flag.
func TestLimitsAreFlags(t *testing.T) {
	fs, l := pflag.NewFlagSet("", pflag.ContinueOnError), Limits{}
	l.Add(fs)
	if l != defaultLimits() || l.source() != (git.Limits{Files: 100_000, Bytes: 512 << 20, Timeout: 2 * time.Minute}) {
		t.Errorf("the defaults are %+v", l.source())
	}
	err := fs.Parse([]string{"--max-repo-files=1M", "--max-repo-size=2Gi", "--max-repo-file-size=64Mi", "--max-repo-refs=8Mi", "--fetch-timeout=10m"})
	want := git.Limits{Files: 1_000_000, Bytes: 2 << 30, Object: 64 << 20, Refs: 8 << 20, Timeout: 10 * time.Minute}
	if err != nil || l.source() != want || l.within() != want {
		t.Errorf("%v: %+v, want %+v", err, l.source(), want)
	}
	for _, wrong := range []string{"--max-repo-refs=0", "--max-repo-file-size=much", "--fetch-timeout=-"} {
		if err := fs.Parse([]string{wrong}); err == nil {
			t.Errorf("%s is accepted", wrong)
		}
	}
}
