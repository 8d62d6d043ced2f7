package chartrepo

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// version is one entry of an index.
type version struct {
	Version string   `json:"version"`
	Digest  string   `json:"digest"`
	URLs    []string `json:"urls"`
}

// fromIndex fetches from a repository with an index.yaml.
func (f *Fetcher) fromIndex(ctx context.Context, at *url.URL, n chart.Need) ([]byte, error) {
	base := *at
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	index, err := f.get(ctx, base.JoinPath("index.yaml"), maxIndex)
	if err != nil {
		return nil, err
	}
	entry, err := find(index, n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", base.JoinPath("index.yaml").Redacted(), err)
	}
	from, err := base.Parse(entry.URLs[0])
	if err != nil {
		return nil, fmt.Errorf("the index gives an address that cannot be read")
	}
	if from.RawQuery == "" {
		from.RawQuery = base.RawQuery
	}
	data, err := f.get(ctx, from, maxArchive)
	if err != nil {
		return nil, err
	}
	if got, want := chart.Digest(data), "sha256:"+strings.TrimPrefix(entry.Digest, "sha256:"); got != want {
		return nil, hint.Errorf(fmt.Sprintf("the archive has digest %s, and the index says %s", got, want),
			"the repository serves something else than it lists: do not use it before that is explained")
	}
	return data, nil
}

// find returns the entry of one version. Only the part of the index that is about the chart is parsed when the index
// looks as `helm repo index` writes it: some have a hundred thousand versions.
func find(index []byte, n chart.Need) (version, error) {
	versions, err := parse(cut(index, n.Name), n.Name)
	if err != nil || len(versions) == 0 {
		if versions, err = parse(index, n.Name); err != nil {
			return version{}, fmt.Errorf("the index cannot be read")
		}
	}
	for _, v := range versions {
		if strings.TrimPrefix(v.Version, "v") != strings.TrimPrefix(n.Version, "v") {
			continue
		}
		switch {
		case len(v.URLs) == 0:
			return v, fmt.Errorf("%s %s has no address", n.Name, n.Version)
		case v.Digest == "":
			return v, hint.With(fmt.Errorf("%s %s has no digest", n.Name, n.Version), "commit the archive in charts/ instead")
		}
		return v, nil
	}
	return version{}, hint.With(fmt.Errorf("the repository has no %s %s", n.Name, n.Version), "run `helm dependency update` and commit Chart.lock")
}

func parse(index []byte, name string) ([]version, error) {
	var file struct {
		Entries map[string][]version `json:"entries"`
	}
	if len(index) == 0 {
		return nil, nil
	}
	err := yaml.Unmarshal(index, &file)
	return file.Entries[name], err
}

// cut returns an index with the entries of one chart only, nil when they are not found.
func cut(index []byte, name string) []byte {
	start := bytes.Index(index, []byte("\n  "+name+":\n"))
	if start < 0 {
		return nil
	}
	out := append([]byte("entries:"), index[start:start+len(name)+5]...)
	for line := range bytes.Lines(index[start+len(name)+5:]) {
		inside := bytes.HasPrefix(line, []byte("   ")) || bytes.HasPrefix(line, []byte("  -")) || len(bytes.TrimSpace(line)) == 0
		if !inside {
			break
		}
		out = append(out, line...)
	}
	return out
}
