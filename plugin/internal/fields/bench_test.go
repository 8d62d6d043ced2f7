package fields_test

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

// deployment is a Deployment as the API server answers the apply of its manifest.
const deployment = `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web-3","namespace":"shop","uid":"4f0c2c1e-2f8e-4d0d-8b7e-6f6d0f1c8a11",
"resourceVersion":"7841","generation":1,"creationTimestamp":"2026-11-20T10:00:00Z","labels":{"applyset.kubernetes.io/part-of":"applyset-x-v1"},
"managedFields":[{"manager":"gitops","operation":"Apply","apiVersion":"apps/v1","time":"2026-11-20T10:00:00Z","fieldsType":"FieldsV1",
"fieldsV1":{"f:metadata":{"f:labels":{"f:applyset.kubernetes.io/part-of":{}}},"f:spec":{"f:replicas":{},"f:revisionHistoryLimit":{},"f:selector":{},
"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}},
"k:{\"name\":\"B\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:name":{},"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{}}},
"f:readinessProbe":{"f:httpGet":{"f:path":{},"f:port":{}}},"f:resources":{"f:limits":{"f:memory":{}},"f:requests":{"f:cpu":{},"f:memory":{}}}}}}}}}}]},
"spec":{"replicas":0,"revisionHistoryLimit":3,"selector":{"matchLabels":{"app":"web-3"}},"template":{"metadata":{"labels":{"app":"web-3"}},
"spec":{"containers":[{"name":"web","image":"example.com/web:1.0","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"env":[{"name":"A","value":"a"},{"name":"B","value":"b"}],
"resources":{"limits":{"memory":"128Mi"},"requests":{"cpu":"100m","memory":"64Mi"}},"readinessProbe":{"httpGet":{"path":"/ready","port":"http","scheme":"HTTP"},"timeoutSeconds":1},
"terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","dnsPolicy":"ClusterFirst"}},"strategy":{"type":"RollingUpdate"}},"status":{}}`

// BenchmarkSettle is what the answer to one apply costs to become a row of the record.
func BenchmarkSettle(b *testing.B) {
	const manager = "gitops"
	u := object(b, deployment)
	b.ReportAllocs()
	for b.Loop() {
		if _, shared, err := fields.SoleOwner(u, manager); shared || err != nil {
			b.Fatal(shared, err)
		}
		set, ok, err := fields.Applied(u, manager)
		if !ok || err != nil {
			b.Fatal(err)
		}
		fields.Digest(key, u, set)
		if fields.MetadataDigest(key, u, set) == "" {
			b.Fatal("no metadata digest")
		}
	}
}

// BenchmarkDecode is what reading the answer costs, to compare with.
func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		object(b, deployment)
	}
}
