package ui

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Rights prints one row for each rule of the Roles and ClusterRoles among manifests.
func Rights(t *Terminal, manifests []*unstructured.Unstructured) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := &table{columns: []column{{name: "NAMESPACE"}, {name: "RESOURCES"}, {name: "VERBS"}}}
	for _, m := range manifests {
		rules, found, _ := unstructured.NestedSlice(m.Object, "rules")
		if !found {
			continue // a binding
		}
		space := m.GetNamespace()
		if space == "" {
			space = "(cluster)"
		}
		for _, item := range rules {
			rule, _ := item.(map[string]any)
			rows.add(cell{text: space}, cell{text: ruleText(rule)}, cell{text: strings.Join(listIn(rule, "verbs"), ",")})
		}
	}
	t.print(rows, true)
}

func ruleText(rule map[string]any) string {
	group := ""
	if groups := listIn(rule, "apiGroups"); len(groups) > 0 && groups[0] != "" {
		group = "." + groups[0]
	}
	var resources []string
	for _, r := range append(listIn(rule, "resources"), listIn(rule, "nonResourceURLs")...) {
		resources = append(resources, r+group)
	}
	text := strings.Join(resources, ",")
	if names := listIn(rule, "resourceNames"); len(names) > 0 {
		text += fmt.Sprintf(" [%s]", strings.Join(names, ","))
	}
	return text
}

func listIn(rule map[string]any, key string) []string {
	list, _, _ := unstructured.NestedStringSlice(rule, key)
	return list
}
