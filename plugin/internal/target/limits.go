package target

import (
	"errors"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// Limits of what is read of a repository. A commit with more is refused before it fills a disk.
const (
	defaultRepoFiles = 100_000
	defaultRepoSize  = 512 << 20
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

// String implements pflag.Value.
func (s *sizeFlag) String() string {
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

// Limits bound one commit of the repository.
type Limits struct {
	Files countFlag
	Size  sizeFlag
}

// Add adds the flags with their defaults.
func (l *Limits) Add(fs *pflag.FlagSet) {
	l.Files, l.Size = defaultRepoFiles, defaultRepoSize
	fs.Var(&l.Files, "max-repo-files", "Limit of files and directories in a commit of the repository")
	fs.Var(&l.Size, "max-repo-size", "Limit of the size of all files in a commit of the repository")
}

func (l Limits) source() git.Limits {
	return git.Limits{Files: int(l.Files), Bytes: int64(l.Size)}
}

// within adds what follows from the memory of the container: an object of Git is held several times while a pack is read.
func (l Limits) within() git.Limits {
	limits, container := l.source(), memory.Container(os.DirFS("/"))
	if container > 0 {
		limits.Object, limits.Refs = container/16, min(container/32, 64<<20)
	}
	return limits
}
