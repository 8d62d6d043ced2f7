package fields_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

// owner is one entry of managedFields of a test: "manager operation fields".
func owned(t *testing.T, u *unstructured.Unstructured, entries ...string) *unstructured.Unstructured {
	t.Helper()
	var list []any
	for _, e := range entries {
		parts := strings.SplitN(e, " ", 3)
		manager, subresource, _ := strings.Cut(parts[0], "/")
		list = append(list, map[string]any{"manager": manager, "operation": parts[1], "subresource": subresource, "fieldsType": "FieldsV1",
			"time": "2026-01-01T00:00:00Z", "fieldsV1": object(t, parts[2]).Object})
	}
	if err := unstructured.SetNestedSlice(u.Object, list, "metadata", "managedFields"); err != nil {
		t.Fatal(err)
	}
	return u
}

func portItem(port int, fields string) string {
	return fmt.Sprintf(`"k:{\"port\":%d,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{}%s}`, port, fields)
}

// TestLeftoversOfAnObject lists what may go of live objects, who set it, and what is left when it goes.
func TestLeftoversOfAnObject(t *testing.T) {
	const ports = `{"spec":{"type":"ClusterIP","clusterIP":"10.0.0.1","ports":[%s]}}`
	service := func(items ...string) string { return fmt.Sprintf(ports, strings.Join(items, ",")) }
	const http80, http83, extra = `{"name":"http","port":80,"protocol":"TCP","targetPort":8080}`, `{"name":"http","port":83,"protocol":"TCP","targetPort":8080}`,
		`{"name":"metrics","port":9090,"protocol":"TCP","targetPort":9090}`
	gitService := `{"spec":{"type":"ClusterIP","ports":[{"name":"http","port":80,"targetPort":8080}]}}`
	tests := []struct {
		name      string
		live, git string
		owners    []string
		parties   fields.Parties
		want      string // leftovers, one per line
		left      string // the object as Git says when all of them go
	}{
		{name: "a port whose number a person changed, and one that a person added", live: service(http83, extra), git: gitService,
			owners: []string{`ours Apply {"f:spec":{"f:type":{},"f:ports":{".":{}}}}`,
				`kubectl-edit Update {"f:spec":{"f:ports":{` + portItem(83, `,"f:name":{},"f:targetPort":{}`) + `,` + portItem(9090, `,"f:name":{},"f:targetPort":{}`) + `}}}`},
			want: `
spec.clusterIP default
spec.ports[83,TCP] kubectl-edit edit instead
spec.ports[9090,TCP] kubectl-edit edit`,
			left: `{"spec":{"ports":[{"name":"http","port":80,"targetPort":8080}],"type":"ClusterIP"}}`},
		{name: "the addition was reported before", live: service(extra), git: gitService,
			owners:  []string{`ours Apply {"f:spec":{"f:type":{}}}`, `kubectl-edit Update {"f:spec":{"f:ports":{` + portItem(9090, ``) + `}}}`},
			parties: fields.Parties{Known: func(at string) bool { return at == "spec.ports[9090,TCP]" }},
			want: `
spec.clusterIP default
spec.ports[9090,TCP] kubectl-edit edit`},
		{name: "nothing in common, where that is asked for", live: service(extra), git: gitService,
			owners:  []string{`ours Apply {"f:spec":{"f:type":{}}}`, `kubectl-edit Update {"f:spec":{"f:ports":{` + portItem(9090, ``) + `}}}`},
			parties: fields.Parties{LikeOurs: true},
			want: `
spec.clusterIP default
spec.ports[9090,TCP] kubectl-edit edit`},
		{name: "a controller's port stays, and so does what a rule leaves to others", live: service(http80, extra), git: gitService,
			owners: []string{`ours Apply {"f:spec":{"f:type":{},"f:ports":{` + portItem(80, `,"f:name":{},"f:targetPort":{}`) + `}}}`,
				`mesh Update {"f:spec":{"f:ports":{` + portItem(9090, ``) + `}}}`},
			parties: fields.Parties{LeftAt: []string{"/spec/clusterIP"}},
			// the name of the item is kept with it
			want: `
spec.ports[9090,TCP].name default
spec.ports[9090,TCP].targetPort default`,
			left: `{"spec":{"clusterIP":"10.0.0.1","ports":[{"name":"http","port":80,"protocol":"TCP","targetPort":8080},{"port":9090,"protocol":"TCP"}],"type":"ClusterIP"}}`},
		{name: "a rule about one field keeps the item it is in", live: service(http80, extra), git: gitService,
			owners:  []string{`ours Apply {"f:spec":{"f:ports":{` + portItem(80, ``) + `}}}`, `kubectl-edit Update {"f:spec":{"f:ports":{` + portItem(9090, `,"f:name":{},"f:targetPort":{}`) + `}}}`},
			parties: fields.Parties{LeftAt: []string{"/spec/ports/*/targetPort", "/spec/clusterIP"}},
			want: `
spec.ports[9090,TCP].name kubectl-edit edit`},
		{name: "a manager that a rule names keeps all", live: service(http80, extra), git: gitService,
			owners:  []string{`ours Apply {"f:spec":{"f:clusterIP":{},"f:ports":{` + portItem(80, ``) + `}}}`, `kubectl-edit Update {"f:spec":{"f:ports":{` + portItem(9090, `,"f:name":{},"f:targetPort":{}`) + `}}}`},
			parties: fields.Parties{LeftTo: []string{"kubectl-edit"}}},
		{name: "whoever takes over nothing lets only defaults go", live: service(http80, extra), git: gitService,
			owners:  []string{`ours Apply {"f:spec":{"f:ports":{` + portItem(80, ``) + `}}}`, `kubectl-edit Update {"f:spec":{"f:ports":{` + portItem(9090, `,"f:name":{},"f:targetPort":{}`) + `}}}`},
			parties: fields.Parties{Yields: true},
			want: `
spec.clusterIP default`},
		{name: "the other of two alternatives, with its defaults", git: `{"spec":{"probe":{"httpGet":{"port":80}}}}`,
			live:   `{"spec":{"probe":{"tcpSocket":{"port":80},"timeoutSeconds":1}}}`,
			owners: []string{`ours Apply {"f:spec":{"f:x":{}}}`, `kubectl-patch Update {"f:spec":{"f:probe":{"f:tcpSocket":{".":{},"f:port":{}}}}}`},
			want: `
spec.probe.tcpSocket kubectl-patch edit
spec.probe.timeoutSeconds default`,
			left: `{"spec":{"probe":{"httpGet":{"port":80}}}}`},
		{name: "a default beside what Git changes", git: `{"spec":{"strategy":{"type":"Recreate"}}}`,
			live:   `{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%"}}}}`,
			owners: []string{`ours Apply {"f:spec":{"f:replicas":{}}}`},
			want: `
spec.strategy.rollingUpdate default`,
			left: `{"spec":{"strategy":{"type":"Recreate"}}}`},
		{name: "what our last apply alone set goes by itself", git: `{"spec":{"env":[{"name":"A","valueFrom":{"x":1}}]}}`,
			live:   `{"spec":{"env":[{"name":"A","value":"1"}],"old":{"a":1,"default":2}}}`,
			owners: []string{`ours Apply {"f:spec":{"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}},"f:old":{"f:a":{}}}}`},
			left:   `{"spec":{"env":[{"name":"A","valueFrom":{"x":1}}]}}`},
		{name: "what a person shares with us does not", git: `{"spec":{"env":[{"name":"A","valueFrom":{"x":1}}]}}`,
			live: `{"spec":{"env":[{"name":"A","value":"1"}]}}`,
			owners: []string{`ours Apply {"f:spec":{"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}}}}`,
				`kubectl-client-side-apply Update {"f:spec":{"f:env":{".":{},"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}}}}`},
			want: `
spec.env[A].value kubectl-client-side-apply`,
			left: `{"spec":{"env":[{"name":"A","valueFrom":{"x":1}}]}}`},
		{name: "a former tool's, and one that wrote through a subresource", git: `{"spec":{}}`, live: `{"spec":{"paused":true,"replicas":5}}`,
			owners:  []string{`helm Update {"f:spec":{"f:paused":{}}}`, `kubectl-scale/scale Update {"f:spec":{"f:replicas":{}}}`},
			parties: fields.Parties{Former: []string{"helm"}},
			want: `
spec.paused helm`,
			left: `{"spec":{"replicas":5}}`},
		{name: "a set and an atomic list", git: `{"spec":{"actions":["Deny"],"args":["a"]}}`, live: `{"spec":{"actions":["Audit"],"args":["b","c"]}}`,
			owners: []string{`ours Apply {"f:spec":{"f:args":{}}}`, `kubectl-edit Update {"f:spec":{"f:actions":{".":{},"v:\"Audit\"":{}}}}`},
			want: `
spec.actions["Audit"] kubectl-edit edit instead`,
			left: `{"spec":{"actions":["Deny"],"args":["a"]}}`},
		{name: "an atomic map is Git's as a whole", git: `{"spec":{"selector":{"a":"1"}}}`, live: `{"spec":{"selector":{"a":"2","b":"1"}}}`,
			owners: []string{`kubectl-edit Update {"f:spec":{"f:selector":{}}}`},
			left:   `{"spec":{"selector":{"a":"1"}}}`},
		{name: "labels and annotations", git: `{"metadata":{"labels":{"a":"1"}}}`,
			live: `{"metadata":{"labels":{"a":"1","b":"2"},"annotations":{"theirs":"x","kubectl.kubernetes.io/restartedAt":"y","note":"z"},"finalizers":["a/b"]}}`,
			owners: []string{`ours Apply {"f:metadata":{"f:labels":{"f:a":{}}}}`,
				`kubectl-label Update {"f:metadata":{"f:labels":{"f:b":{}},"f:finalizers":{".":{},"v:\"a/b\"":{}}}}`, `operator Update {"f:metadata":{"f:annotations":{"f:theirs":{}}}}`},
			want: `
metadata.annotations.note default
metadata.labels.b kubectl-label edit`},
		{name: "new items of Git come behind the one before them", git: `{"l":[{"name":"a"},{"name":"new"},{"name":"b"},{"name":"last"}]}`,
			live:   `{"l":[{"name":"a"},{"name":"theirs"},{"name":"b"}]}`,
			owners: []string{`ours Apply {"f:l":{"k:{\"name\":\"a\"}":{},"k:{\"name\":\"b\"}":{}}}`, `operator Update {"f:l":{"k:{\"name\":\"theirs\"}":{}}}`},
			left:   `{"l":[{"name":"a"},{"name":"new"},{"name":"theirs"},{"name":"b"},{"name":"last"}]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			live, git := owned(t, object(t, test.live), test.owners...), object(t, test.git)
			test.parties.Ours = "ours"
			found, err := fields.Leftovers(live, git, test.parties)
			if err != nil {
				t.Fatal(err)
			}
			if got := listed(found); got != strings.TrimPrefix(test.want, "\n") {
				t.Errorf("left over:\n%s\nwant:\n%s", got, test.want)
			}
			if test.left == "" {
				return
			}
			left, err := fields.AsGit(live, git, test.parties, found)
			if err != nil {
				t.Fatal(err)
			}
			delete(left.Object, "metadata")
			if got := text(t, left.Object); got != test.left {
				t.Errorf("as Git:\n%s\nwant:\n%s", got, test.left)
			}
		})
	}
}

func listed(found []fields.Leftover) string {
	var lines []string
	for _, l := range found {
		line := l.Path + " default"
		if l.By != nil {
			line = l.Path + " " + l.By.Manager
		}
		if l.Edit {
			line += " edit"
		}
		if l.Instead {
			line += " instead"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TestClaim: what is claimed is ours and nobody else's, and the rest is whose it was.
func TestClaim(t *testing.T) {
	live := owned(t, object(t, `{"spec":{"a":1,"b":{"c":1,"d":2},"e":3}}`), `ours Apply {"f:spec":{"f:a":{}}}`,
		`kubectl-edit Update {"f:spec":{"f:b":{"f:c":{},"f:d":{}},"f:e":{}}}`, `kubectl-patch Update {"f:spec":{"f:b":{"f:d":{}}}}`, `operator/status Update {"f:status":{"f:x":{}}}`)
	found, err := fields.Leftovers(live, object(t, `{"spec":{"a":2,"e":3}}`), fields.Parties{Ours: "ours"})
	if err != nil || listed(found) != "spec.b kubectl-edit edit" {
		t.Fatalf("%v, %v", listed(found), err)
	}
	entries, err := fields.Claim(live, "ours", "v1", time.Unix(0, 0), found)
	if err != nil {
		t.Fatal(err)
	}
	live.SetManagedFields(entries)
	got := ""
	for _, e := range live.GetManagedFields() {
		got += fmt.Sprintf("%s %s %s\n", e.Manager, e.Operation, e.FieldsV1.GetRawBytes())
	}
	want := `kubectl-edit Update {"f:spec":{"f:e":{}}}
operator Update {"f:status":{"f:x":{}}}
ours Apply {"f:spec":{"f:a":{},"f:b":{}}}
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
