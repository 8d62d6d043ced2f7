package git

import (
	"fmt"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Auth names files with credentials. They are read at each use, so a changed file takes effect at once.
type Auth struct {
	TokenFile      string // the token for https
	SSHKeyFile     string // the private key for ssh; it needs KnownHostsFile
	KnownHostsFile string // the host keys to trust for ssh
	Dir            string // a directory with one file for each key of a Secret as Flux has it; the files above win over it

	Keys map[string][]byte // the keys of a Secret that was read; they stand in place of all files
	Name string            // what messages call Keys
}

// keys are the credentials of Dir, or Keys.
func (a Auth) keys() credentials {
	if a.Keys != nil {
		return credentials{name: a.Name, keys: a.Keys}
	}
	return credentials{name: "credentials directory " + a.Dir, dir: a.Dir}
}

// Limits bound one Poll or Fetch. Zero stands for the default.
type Limits struct {
	Bytes   int64         // of all files, unpacked; default 512 MiB
	Files   int           // files and directories; default 100,000
	Timeout time.Duration // default two minutes
	Object  int64         // bytes of one object, which is in memory several times; default Bytes
	Refs    int64         // bytes of the list of branches and tags; default 64 MiB, about 800,000 of them
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
		"keep the file elsewhere, or raise the limit, as in --max-repo-file-size %dMi; in a container the file has to fit into memory several times, so give it more, as in `kubectl gitops install --memory 1Gi`", max(2*limit>>20, 1))
}

func tooManyRefs(limit int64) error {
	return hint.With(fmt.Errorf("the server's list of refs is longer than %s", byteSize(limit)),
		"delete branches and tags that nobody needs, or raise the limit, as in --max-repo-refs %dMi", max(2*limit>>20, 1))
}

// tooLargePack says that a server sends more than what tooManyBytes allows, before it is unpacked.
func tooLargePack(limit int64) error {
	return hint.With(fmt.Errorf("the pack is larger than the limit of %s", byteSize(limit)),
		"raise the limit, as in --max-repo-size %dMi, or keep the config repository small", max(2*limit>>20, 1))
}

func byteSize(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// packLimit bounds the compressed bytes: contents that do not compress, and the framing around them.
func packLimit(l Limits) int64 { return l.Bytes + l.Bytes/16 + 1<<20 }
