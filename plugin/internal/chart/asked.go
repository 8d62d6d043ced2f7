package chart

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
)

// customVersion is a version of an API group, and perhaps a kind of it, as templates write them.
var customVersion = regexp.MustCompile(`\b[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+/v[0-9]+(?:(?:alpha|beta)[0-9]+)?\b(?:/[A-Z][A-Za-z0-9]*)?`)

// maxAsked bounds how many names Asked returns.
const maxAsked = 100

// Asked returns what the templates may ask .Capabilities.APIVersions about, sorted: versions and kinds of API groups that
// Kubernetes itself does not have, such as monitoring.coreos.com/v1 and monitoring.coreos.com/v1/ServiceMonitor. It searches
// the text of the templates. So it may return more than is asked, and it misses a name that a template puts together. It is
// empty for templates that do not ask.
func (c *Chart) Asked() []string {
	asks, names := false, map[string]bool{}
	own := ownGroups()
	eachChart(c.root, func(ch *v2.Chart) {
		for _, t := range ch.Templates {
			asks = asks || bytes.Contains(t.Data, []byte("APIVersions"))
			for _, name := range customVersion.FindAll(t.Data, -1) {
				if group, _, _ := strings.Cut(string(name), "/"); !own[group] {
					names[string(name)] = true
				}
			}
		}
	})
	if !asks {
		return nil
	}
	list := slices.Sorted(maps.Keys(names))
	return list[:min(len(list), maxAsked)]
}

func ownGroups() map[string]bool {
	groups := map[string]bool{}
	for _, version := range common.DefaultVersionSet {
		group, _, _ := strings.Cut(version, "/")
		groups[group] = true
	}
	return groups
}

// ownKinds lists what the CRDs in crds/ define, as APIVersions has it. Helm installs them first, and looks at the server
// then.
func (c *Chart) ownKinds() []string {
	var names []string
	for _, crd := range c.root.CRDObjects() {
		decoder := yaml.NewDecoder(bytes.NewReader(crd.File.Data))
		for {
			var d definition
			if decoder.Decode(&d) != nil {
				break // its end; a file that cannot be read is refused elsewhere
			}
			names = append(names, d.versions()...)
		}
	}
	return names
}

// definition is what a CustomResourceDefinition says about its kind.
type definition struct {
	Kind string
	Spec struct {
		Group    string
		Names    struct{ Kind string }
		Versions []struct {
			Name   string
			Served bool
		}
	}
}

func (d definition) versions() []string {
	var names []string
	for _, v := range d.Spec.Versions {
		if d.Kind == "CustomResourceDefinition" && v.Served {
			gv := d.Spec.Group + "/" + v.Name
			names = append(names, gv, gv+"/"+d.Spec.Names.Kind)
		}
	}
	return names
}
