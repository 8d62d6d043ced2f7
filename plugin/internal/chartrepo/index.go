package chartrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"

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
	if tooLarge := (*largeError)(nil); errors.As(err, &tooLarge) {
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

// Find reads an index and returns the entry of one version, or of the newest in a range. The entry has an address and a digest. Only the part of the index that is about
// the chart is parsed when the index looks as people write them: some have a hundred thousand versions. What a parser makes of a
// hostile one has no bound but that of its process.
func Find(_ context.Context, index io.Reader, n chart.Need) (Version, error) {
	text, err := io.ReadAll(index)
	if err != nil {
		return Version{}, err
	}
	versions, err := parse(cut(text, n.Name), n.Name)
	if err != nil || len(versions) == 0 {
		if versions, err = parse(text, n.Name); err != nil {
			return Version{}, fmt.Errorf("the index cannot be read")
		}
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

// entriesLine begins the charts of an index in block style, and the first of them, which tells how deep they all stand.
var entriesLine = regexp.MustCompile(`(?m)^entries:[ \t]*\r?\n((?:[ \t]*\r?\n)*)( *)[^ \r\n-]`)

// cut returns an index with the entries of one chart only, nil when they are not found.
func cut(index []byte, name string) []byte {
	at := entriesLine.FindSubmatchIndex(index)
	if at == nil {
		return nil
	}
	margin := index[at[4]:at[5]]
	if len(margin) == 0 {
		return nil
	}
	key := append(append([]byte("\n"), margin...), name+":"...)
	start := bytes.Index(index[at[0]:], key)
	if start < 0 {
		return nil
	}
	start += at[0] + 1
	first, _, _ := bytes.Cut(index[start:], []byte("\n"))
	if len(bytes.TrimSpace(first)) != len(name)+1 {
		return nil
	}
	out := append([]byte("entries:\n"), first...)
	out = append(out, '\n')
	for line := range bytes.Lines(index[min(start+len(first)+1, len(index)):]) {
		rest, isBelow := bytes.CutPrefix(line, margin)
		isEmpty := len(bytes.TrimSpace(line)) == 0
		inside := isEmpty || isBelow && (rest[0] == ' ' || rest[0] == '-')
		if !inside {
			break
		}
		out = append(out, line...)
	}
	return out
}
