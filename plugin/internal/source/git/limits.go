package git

import (
	"fmt"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Auth names files that hold credentials. Each is read whenever it is needed, so a rotated one is picked up.
// TokenFile is for https, SSHKeyFile and KnownHostsFile for ssh, where both are needed. Dir holds one file per
// credential, as a Secret of Flux has keys (see credentials.go); the other three go before it.
type Auth struct {
	TokenFile, SSHKeyFile, KnownHostsFile string
	Dir                                   string
}

// Limits bound one Poll or Fetch: unpacked bytes, files and directories, and time. Zero means 512 MiB, 100,000
// and two minutes. Object bounds the bytes of one object, which have to fit into memory several times; zero means Bytes. Refs bounds
// the bytes of the list of branches and tags; zero means 64 MiB, which is about 800,000 of them.
type Limits struct {
	Bytes   int64
	Files   int
	Timeout time.Duration
	Object  int64
	Refs    int64
}

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 512 << 20
	}
	if l.Files <= 0 {
		l.Files = 100_000
	}
	if l.Timeout <= 0 {
		l.Timeout = 2 * time.Minute
	}
	if l.Object <= 0 || l.Object > l.Bytes {
		l.Object = l.Bytes
	}
	if l.Refs <= 0 {
		l.Refs = 64 << 20
	}
	return l
}

func tooManyFiles(limit int) error {
	return hint.With(fmt.Errorf("the repository is too large: more than %d files and directories", limit),
		"raise the limit, as in --max-repo-files %d, or keep the config repository small", 2*limit)
}

func tooManyBytes(limit int64) error {
	return hint.With(fmt.Errorf("the repository is too large: more than %s unpacked", byteSize(limit)),
		"raise the limit, as in --max-repo-size %dMi, or keep the config repository small", max(2*limit>>20, 1))
}

func tooLargeObject(limit int64) error {
	return hint.With(fmt.Errorf("the repository is too large: a file of more than %s", byteSize(limit)),
		"in a container, a file may take a sixteenth of its memory: give it more, as in `kubectl gitops install --memory 1Gi`, or keep the file elsewhere")
}

func byteSize(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// packLimit bounds the compressed bytes: contents that do not compress, and the framing around them.
func packLimit(l Limits) int64 { return l.Bytes + l.Bytes/16 + 1<<20 }
