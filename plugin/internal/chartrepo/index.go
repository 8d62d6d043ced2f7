package chartrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Version is one entry of an index.
type Version struct {
	Version string   `json:"version"`
	Digest  string   `json:"digest"`
	URLs    []string `json:"urls"`
}

// fromIndex fetches from a repository with an index.yaml.
func (f *Fetcher) fromIndex(ctx context.Context, at *url.URL, n chart.Need) (archive []byte, version string, err error) {
	base := *at
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	index, err := f.open(ctx, base.JoinPath("index.yaml"), maxIndex)
	if err != nil {
		return nil, "", err
	}
	defer index.Close()
	find := Find
	if f.Find != nil {
		find = f.Find
	}
	entry, err := find(ctx, index, n)
	tooLarge, broken := (*largeError)(nil), (*brokenError)(nil)
	if errors.As(err, &tooLarge) || errors.As(err, &broken) {
		return nil, "", err // it names the address
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", base.JoinPath("index.yaml").Redacted(), err)
	}
	from, err := base.Parse(entry.URLs[0])
	if err != nil {
		return nil, "", fmt.Errorf("the index gives an address that cannot be read")
	}
	if from.RawQuery == "" {
		from.RawQuery = base.RawQuery
	}
	if !askingOf(ctx).isNamed(access.Authority(from)) { // another host, which may have a mirror, too
		there, err := f.route(ctx, from.String(), "")
		if err != nil {
			return nil, "", err
		}
		if !there.Mirror { // what an index names gets no credentials, and is not this machine
			there.Login, there.found = access.Login{}, true
		}
		from, ctx = there.At, there.in(ctx)
	}
	data, err := f.get(ctx, from, maxArchive)
	if err != nil {
		return nil, "", err
	}
	if got, want := chart.Digest(data), "sha256:"+strings.TrimPrefix(entry.Digest, "sha256:"); got != want {
		return nil, "", hint.Errorf(fmt.Sprintf("the archive has digest %s, and the index says %s", got, want),
			"the repository serves another archive than its index lists: do not use it until its owner explains that")
	}
	return data, entry.Version, nil
}

// Find reads an index and returns the entry of one version, or of the newest in a range. The entry has an address and a digest. Of an index
// in block style it keeps and parses only the part that is about the chart, and reads no further: some have a hundred thousand versions.
// Another one is parsed as a whole, up to maxWhole. What a parser makes of a hostile one has no bound but that of its process.
func Find(_ context.Context, index io.Reader, n chart.Need) (Version, error) {
	versions, err := versionsOf(index, n.Name)
	if err != nil {
		return Version{}, err
	}
	known := make([]string, len(versions))
	for i, v := range versions {
		known[i] = v.Version
	}
	i, err := choose(n, known)
	if err != nil {
		return Version{}, err
	}
	switch v := versions[i]; {
	case len(v.URLs) == 0:
		return v, fmt.Errorf("%s %s has no address", n.Name, v.Version)
	case v.Digest == "":
		return v, hint.With(fmt.Errorf("%s %s has no digest", n.Name, v.Version), "commit the archive in charts/ instead")
	default:
		return v, nil
	}
}

// versionsOf lists the versions of a chart in an index.
func versionsOf(index io.Reader, name string) ([]Version, error) {
	s := newScanner(index, name)
	text, err := s.cut()
	if err != nil {
		return nil, err
	}
	if s.large {
		return nil, hint.Errorf(fmt.Sprintf("the index has more than %d MiB, and is not in the form in which the entries of one chart can be cut out", maxWhole>>20),
			"ask its owner to write it with `helm repo index`, or commit the archive of the chart in charts/")
	}
	versions, err := parse(text, name)
	if err != nil {
		return nil, errors.New("the index cannot be read")
	}
	return versions, nil
}

func parse(index []byte, name string) ([]Version, error) {
	var file struct {
		Entries map[string][]Version `json:"entries"`
	}
	if len(index) == 0 {
		return nil, nil
	}
	err := yaml.Unmarshal(index, &file)
	return file.Entries[name], err
}
