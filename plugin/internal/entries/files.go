package entries

import (
	"io"
	"path"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// read returns the beginning of a file, nothing when it cannot be read: who renders it says why.
func (s *scan) read(name string) []byte {
	f, err := s.files.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil
	}
	return data
}

var (
	apiVersionRE = regexp.MustCompile(`(?m)(?:^|[{,])\s*"?apiVersion"?\s*:`)
	kindRE       = regexp.MustCompile(`(?m)(?:^|[{,])\s*"?kind"?\s*:`)
	oursRE       = regexp.MustCompile(`(?m)(?:^|[{,])\s*"?apiVersion"?\s*:\s*"?kubectl-gitops\.dev/`)
)

// isObject tells whether a file looks like a manifest. Whether it is one, a renderer tells.
func isObject(data []byte) bool { return apiVersionRE.Match(data) && kindRE.Match(data) }

// isOurs tells a file that this program or the action reads: gitops.yaml, promotion.yaml, holds.
func isOurs(data []byte) bool { return oursRE.Match(data) }

// kustomization notes what a kustomization uses, and tells whether it is a component. One that cannot be read uses nothing.
func (s *scan) kustomization(dir string, data []byte) (component bool) {
	var k struct {
		Kind                         string
		Resources, Bases, Components []string
		HelmGlobals                  struct{ ChartHome string }
		HelmCharts                   []struct{ Name string }
	}
	if yaml.Unmarshal(data, &k) != nil {
		return false
	}
	for _, list := range [][]string{k.Resources, k.Bases, k.Components} {
		for _, name := range list {
			s.use(dir, name)
		}
	}
	home := k.HelmGlobals.ChartHome
	if home == "" {
		home = "charts"
	}
	for _, c := range k.HelmCharts {
		s.use(dir, path.Join(home, c.Name))
	}
	return k.Kind == "Component"
}

// chart notes the charts that a chart depends on in the repository, and tells whether it is a library.
func (s *scan) chart(dir string, data []byte) (library bool) {
	var c struct {
		Type         string
		Dependencies []struct{ Repository string }
	}
	if yaml.Unmarshal(data, &c) != nil {
		return false
	}
	for _, d := range c.Dependencies {
		if file, ok := strings.CutPrefix(d.Repository, "file://"); ok {
			s.use(dir, file)
		}
	}
	return c.Type == "library"
}

func (s *scan) use(dir, name string) {
	if !strings.Contains(name, "://") && !path.IsAbs(name) {
		s.used[path.Join(dir, name)] = true
	}
}
