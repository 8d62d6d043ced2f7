package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// namespaces is how many namespaces a set is spread over.
const namespaces = 10

// set is a set of objects: size of them in ten namespaces, and the namespaces. The same set is the same bytes.
type set struct {
	owner   string // of the namespaces: bench-OWNER-N
	size    int    // a multiple of 100
	value   string // of the ConfigMap that a change changes
	shorter bool   // without a tenth of the objects
}

// kind is a kind of a set.
type kind struct {
	name     string // of the objects: NAME-N
	path     string // of the API group
	resource string
	share    int // of ten objects in a namespace
	manifest string
}

// kinds are eight; Namespace is the ninth. The first one is what a shorter set has less of.
func kinds() []kind {
	const rbac = "rbac.authorization.k8s.io/v1"
	return []kind{
		{"config", "/api/v1", "configmaps", 3, "apiVersion: v1\nkind: ConfigMap\n$META\ndata:\n  key: $VALUE\n  file: \"" + strings.Repeat("0123456789", 100) + "\"\n"},
		{"account", "/api/v1", "serviceaccounts", 1, "apiVersion: v1\nkind: ServiceAccount\n$META\n"},
		{"service", "/api/v1", "services", 1, "apiVersion: v1\nkind: Service\n$META\nspec:\n  selector: {app: $NAME}\n  ports: [{name: http, port: 80, targetPort: 8080}]\n"},
		{"role", "/apis/" + rbac, "roles", 1, "apiVersion: " + rbac + "\nkind: Role\n$META\nrules:\n- {apiGroups: [''], resources: [pods], verbs: [get, list]}\n"},
		{"binding", "/apis/" + rbac, "rolebindings", 1, "apiVersion: " + rbac + "\nkind: RoleBinding\n$META\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: role-0}\nsubjects:\n- {kind: ServiceAccount, name: account-0}\n"},
		{"policy", "/apis/networking.k8s.io/v1", "networkpolicies", 1, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n$META\nspec:\n  podSelector: {matchLabels: {app: $NAME}}\n  policyTypes: [Ingress]\n"},
		{"ingress", "/apis/networking.k8s.io/v1", "ingresses", 1, "apiVersion: networking.k8s.io/v1\nkind: Ingress\n$META\nspec:\n  rules:\n  - host: $NAME.example.com\n    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: service-0, port: {number: 80}}}}]}\n"},
		{"web", "/apis/apps/v1", "deployments", 1, deployment},
	}
}

const deployment = `apiVersion: apps/v1
kind: Deployment
$META
spec:
  replicas: 0
  revisionHistoryLimit: 3
  selector: {matchLabels: {app: $NAME}}
  template:
    metadata: {labels: {app: $NAME}}
    spec:
      containers:
      - name: web
        image: example.com/web:1.0
        ports: [{name: http, containerPort: 8080}]
        env: [{name: A, value: a}, {name: B, value: b}]
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /ready, port: http}}
`

const (
	// changedIndex is the ConfigMap that a change changes, in the first namespace. A shorter set has it too.
	changedIndex = 0
	// unchanged is the value of all others.
	unchanged = "value"
)

func (s set) namespace(n int) string { return fmt.Sprintf("bench-%s-%d", s.owner, n) }

// perShare is how many objects one share is.
func (s set) perShare() int { return s.size / namespaces / 10 }

// document is one object as a manifest, and where it lives on the server.
type document struct {
	path, manifest string
}

// documents returns the objects of one namespace, itself first.
func (s set) documents(n int) []document {
	ns := s.namespace(n)
	docs := []document{{"/api/v1/namespaces/" + ns, "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + ns + "}\n"}}
	for i, k := range kinds() {
		count := k.share * s.perShare()
		if i == 0 && s.shorter {
			count -= s.perShare()
		}
		for j := range count {
			value := unchanged
			if n == 0 && j == changedIndex && s.value != "" {
				value = s.value
			}
			name := fmt.Sprintf("%s-%d", k.name, j)
			meta := fmt.Sprintf("metadata:\n  name: %s\n  namespace: %s\n  labels: {app: %s}", name, ns, name)
			manifest := strings.NewReplacer("$META", meta, "$NAME", name, "$VALUE", value).Replace(k.manifest)
			docs = append(docs, document{s.path(k, n, name), manifest})
		}
	}
	return docs
}

func (s set) path(k kind, n int, name string) string {
	return k.path + "/namespaces/" + s.namespace(n) + "/" + k.resource + "/" + name
}

// write puts the manifests into dir, one file for each namespace.
func (s set) write(dir string) error {
	for n := range namespaces {
		var file strings.Builder
		for _, d := range s.documents(n) {
			file.WriteString("---\n" + d.manifest)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("namespace-%d.yaml", n)), []byte(file.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writePatches puts the input of the bare loop into a file: the namespaces first.
func (s set) writePatches(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	out := json.NewEncoder(f)
	for n := range namespaces {
		for _, d := range s.documents(n) {
			body, err := yaml.YAMLToJSON([]byte(d.manifest))
			if err != nil {
				return err
			}
			if err := out.Encode(map[string]any{"Path": d.path, "Body": json.RawMessage(body)}); err != nil {
				return err
			}
		}
	}
	return f.Close()
}
