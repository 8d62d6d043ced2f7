package repotest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// file is the name of the chart's archive.
func (c Chart) file() string { return c.Name + "-" + c.Version + ".tgz" }

// index lists charts as `helm repo index` does.
func index(all []Chart) []byte {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Chart) int { return strings.Compare(a.Name, b.Name) })
	var out strings.Builder
	out.WriteString("apiVersion: v1\nentries:\n")
	last := ""
	for _, c := range all {
		if c.Name != last {
			fmt.Fprintf(&out, "  %s:\n", c.Name)
			last = c.Name
		}
		fmt.Fprintf(&out, "  - name: %s\n    version: %q\n    digest: %x\n    urls: [%s]\n", c.Name, c.Version, sha256.Sum256(c.Archive), c.file())
	}
	return []byte(out.String())
}
