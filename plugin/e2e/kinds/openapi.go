// Package kinds reads what an API server says of its own kinds in OpenAPI, and makes objects of them: it lists the lists
// whose items have keys, and the fields that lie beside each other and may be alternatives, and fills in examples.
//
// It does not know which fields exclude each other: Kubernetes does not say so. The server can be asked with a dry run.
package kinds

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// Schema is what OpenAPI says of one value.
type Schema struct {
	Ref        string             `json:"$ref"`
	AllOf      []Schema           `json:"allOf"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Properties map[string]*Schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *Schema            `json:"items"`
	Values     json.RawMessage    `json:"additionalProperties"`
	Enum       []any              `json:"enum"`
	ListType   string             `json:"x-kubernetes-list-type"`
	MapType    string             `json:"x-kubernetes-map-type"`
	Keys       []string           `json:"x-kubernetes-list-map-keys"`
}

// ref is the name of the schema that s refers to, "" when it says all itself.
func (s *Schema) ref() string {
	for _, of := range s.AllOf {
		if of.Ref != "" {
			return of.Ref[strings.LastIndex(of.Ref, "/")+1:]
		}
	}
	return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
}

// Kind is a kind that the server stores, and all schemas that it is made of.
type Kind struct {
	Group, Version, Kind, Resource string
	Namespaced                     bool
	root                           string
	schemas                        map[string]*Schema
}

// APIVersion is the group and version as manifests have it.
func (k *Kind) APIVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}

// Read lists Kubernetes' own kinds that can be created and updated, in the version that the server prefers, by name.
func Read(ctx context.Context, config *rest.Config) ([]*Kind, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	lists, err := client.ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	var out []*Kind
	for _, list := range lists {
		group, version, found := strings.Cut(list.GroupVersion, "/")
		path := "apis/" + list.GroupVersion
		if !found {
			group, version, path = "", list.GroupVersion, "api/"+list.GroupVersion
		}
		if strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") {
			continue // a CustomResourceDefinition's
		}
		raw, err := client.RESTClient().Get().AbsPath("openapi", "v3", path).DoRaw(ctx)
		if err != nil {
			return nil, fmt.Errorf("OpenAPI of %s: %w", list.GroupVersion, err)
		}
		var doc struct {
			Components struct {
				Schemas map[string]*Schema `json:"schemas"`
			} `json:"components"`
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			return nil, fmt.Errorf("OpenAPI of %s: %w", list.GroupVersion, err)
		}
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "create") || !slices.Contains(r.Verbs, "update") || strings.Contains(r.Name, "/") {
				continue
			}
			k := &Kind{Group: group, Version: version, Kind: r.Kind, Resource: r.Name, Namespaced: r.Namespaced, schemas: doc.Components.Schemas}
			for name := range k.schemas {
				if strings.HasSuffix(name, "."+version+"."+r.Kind) {
					k.root = name
				}
			}
			if k.root == "" {
				return nil, fmt.Errorf("no schema of %s", r.Kind)
			}
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b *Kind) int { return strings.Compare(a.Kind+a.Group, b.Kind+b.Group) })
	return out, nil
}

// step leads from a struct to one in it: through a field, and into an item if that is a list.
type step struct {
	field string
	item  bool
}

// Struct is a part of a kind that is a set of fields, and that server-side apply merges field by field.
type Struct struct {
	Kind *Kind
	Name string // of the schema
	path []step
}

// String is the kind and the path.
func (s Struct) String() string {
	text := s.Kind.Kind
	for _, p := range s.path {
		text += "." + p.field
		if p.item {
			text += "[]"
		}
	}
	return text
}

// Top tells whether s is all of the object.
func (s Struct) Top() bool { return len(s.path) == 0 }

// Fields lists the names of the fields, but for those that all objects have.
func (s Struct) Fields() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.Kind.schemas[s.Name].Properties)), func(name string) bool {
		return len(s.path) == 0 && top(name)
	})
}

func top(name string) bool {
	return name == "apiVersion" || name == "kind" || name == "metadata" || name == "status"
}

// Lists returns the fields that are lists which server-side apply merges item by item, and the keys of the items: none
// for lists whose items are named by their value.
func (s Struct) Lists() map[string][]string {
	out := map[string][]string{}
	for name, p := range s.Kind.schemas[s.Name].Properties {
		if p.ListType == "map" || p.ListType == "set" {
			out[name] = p.Keys
		}
	}
	return out
}

// Structs lists the structs of the kinds, each once, where it is met first. What lies in a list or map that the server
// keeps as a whole is not in it: nothing of another owner stays in such.
func Structs(kinds []*Kind) []Struct {
	seen := map[string]bool{}
	var out []Struct
	var walk func(Struct)
	walk = func(at Struct) {
		s := at.Kind.schemas[at.Name]
		if s == nil || seen[at.Name] || s.MapType == "atomic" || len(s.Properties) == 0 {
			return
		}
		seen[at.Name] = true
		out = append(out, at)
		for _, name := range at.Fields() {
			p := s.Properties[name]
			if top(name) && len(at.path) == 0 || p.MapType == "atomic" {
				continue
			}
			next := step{field: name}
			inner := p.ref()
			if p.Items != nil && p.ListType == "map" {
				next.item, inner = true, p.Items.ref()
			}
			if inner != "" {
				walk(Struct{at.Kind, inner, append(slices.Clone(at.path), next)})
			}
		}
	}
	for _, k := range kinds {
		walk(Struct{Kind: k, Name: k.root})
	}
	return out
}
