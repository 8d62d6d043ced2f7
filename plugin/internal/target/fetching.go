package target

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
)

// Secrets reads a Secret in the namespace of the instance and returns its keys and values.
type Secrets func(ctx context.Context, name string) (map[string][]byte, error)

// fetching are the flags that say how what lies elsewhere is fetched. The zero value keeps it in the user's cache directory.
type fetching struct {
	cache   string
	mirrors string
	secrets Secrets
	shared  *sharedTrees // nil shares no trees of sources
}

func (f *fetching) addCache(fs *pflag.FlagSet) {
	fs.StringVar(&f.cache, "cache", "", "Directory that keeps fetched charts by digest (default kubectl-gitops in the user's cache directory)")
}

func (f *fetching) addMirrors(fs *pflag.FlagSet) {
	fs.StringVar(&f.mirrors, "mirrors", "", "File that maps prefixes of addresses to mirrors (default mirrors.yaml in --credentials-dir, if it exists)")
}

// ReadSecrets lets charts name a Secret of the cluster. Without it, only directories in the directory of credentials are known.
func (f *fetching) ReadSecrets(from Secrets) { f.secrets = from }

// cacheDir is where charts are kept, "" where there is no directory to write to, as in a container. There, they are fetched again for
// each commit that renders them.
func (f *fetching) cacheDir() string {
	if f.cache != "" {
		return f.cache
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "kubectl-gitops")
}
