package target

import (
	"errors"
	"os"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// Limits of what is read of a repository. A commit with more is refused before it fills a disk.
const (
	defaultRepoFiles = 100_000
	defaultRepoSize  = 512 << 20
	defaultFetchTime = 2 * time.Minute
)

// sizeFlag is a number of bytes, written as a quantity of Kubernetes: 512Mi, 2Gi.
type sizeFlag int64

// Set implements pflag.Value.
func (s *sizeFlag) Set(text string) error {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return errors.New("write a size such as 512Mi or 2Gi")
	}
	if q.Value() <= 0 {
		return errors.New("the size must be above zero")
	}
	*s = sizeFlag(q.Value())
	return nil
}

// String implements pflag.Value. It is "" for a size that was not given.
func (s *sizeFlag) String() string {
	if *s == 0 {
		return ""
	}
	return resource.NewQuantity(int64(*s), resource.BinarySI).String()
}

// Type implements pflag.Value.
func (s *sizeFlag) Type() string { return "size" }

// countFlag is a number above zero.
type countFlag int

// Set implements pflag.Value.
func (c *countFlag) Set(text string) error {
	q, err := resource.ParseQuantity(text) // 250k is a number, too
	if err != nil || q.Value() <= 0 || q.Value() > 1<<30 {
		return errors.New("write a number above zero")
	}
	*c = countFlag(q.Value())
	return nil
}

// String implements pflag.Value.
func (c *countFlag) String() string {
	return resource.NewQuantity(int64(*c), resource.DecimalSI).String()
}

// Type implements pflag.Value.
func (c *countFlag) Type() string { return "number" }

// Limits bound one commit of the repository, and one exchange with its server. Zero sizes follow from the others and from the
// memory of the container.
type Limits struct {
	Files    countFlag
	Size     sizeFlag
	FileSize sizeFlag
	Refs     sizeFlag
	Time     time.Duration
}

// defaultLimits are what Add sets.
func defaultLimits() Limits {
	return Limits{Files: defaultRepoFiles, Size: defaultRepoSize, Time: defaultFetchTime}
}

// Add adds the flags with their defaults.
func (l *Limits) Add(fs *pflag.FlagSet) {
	*l = defaultLimits()
	fs.Var(&l.Files, "max-repo-files", "Limit of files and directories that are fetched of a commit")
	fs.Var(&l.Size, "max-repo-size", "Limit of the size of all files that are fetched of a commit")
	fs.Var(&l.FileSize, "max-repo-file-size", "Limit of the size of one file that is fetched (default: in a container a sixteenth of its memory, else that of all files)")
	fs.Var(&l.Refs, "max-repo-refs", "Limit of the size of the server's list of branches and tags (default: 64Mi, less in a small container)")
	fs.DurationVar(&l.Time, "fetch-timeout", l.Time, "How long one exchange with the server of the repository may take")
}

// source returns the limits that were given.
func (l Limits) source() git.Limits {
	return git.Limits{Files: int(l.Files), Bytes: int64(l.Size), Object: int64(l.FileSize), Refs: int64(l.Refs), Timeout: l.Time}
}

// within adds what follows from the memory of the container: an object of Git is held several times while a pack is read.
func (l Limits) within() git.Limits {
	limits, container := l.source(), memory.Container(os.DirFS("/"))
	if container > 0 && limits.Object == 0 {
		limits.Object = container / 16
	}
	if container > 0 && limits.Refs == 0 {
		limits.Refs = min(container/32, 64<<20)
	}
	return limits
}
