package apply

import (
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

const misfits = `# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {example.com/a.b: 1}
spec:
  replicas: "3"
  paused: "true"
  template:
    spec:
      containers:
      - name: web
        env:
        - {name: PORT, value: 8080}
        - {name: "a]=b", value: true}
        - {name: PORT, value: "1"}
        - {value: x}
        ports:
        - {containerPort: 80, hostPort: "80"}
        - {containerPort: 80, protocol: TCP}
        args: a
      nodeSelector: [a]
      volumes: [{name: tmp, emptyDir: {sizeLimit: 1GB}}]
  minReadySeconds: 1.5
`

func TestFieldMismatches(t *testing.T) {
	const object = "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): "
	for _, test := range []struct{ name, answer, message, advice string }{
		{"P13 a number for a string", object + `.spec.template.spec.containers[name="web"].env[name="PORT"].value: expected string, got &value.valueUnstructured{Value:8080}`,
			"web.yaml:15: spec.template.spec.containers[web].env[PORT].value must be a string, not a number", `put the value in quotes: "8080" at web.yaml:15`},
		{"P13 a boolean for a string, under a name that looks like a path", object + `.spec.template.spec.containers[name="web"].env[name="a]=b"].value: expected string, got &value.valueUnstructured{Value:true}`,
			"web.yaml:16: spec.template.spec.containers[web].env[a]=b].value must be a string, not a boolean", `put the value in quotes: "true" at web.yaml:16`},
		{"P13 a string for a number", object + `.spec.replicas: expected numeric (int or float), got string`,
			"web.yaml:8: spec.replicas must be a number, not a string", "write it without quotes: 3 at web.yaml:8"},
		{"P13 a string for a boolean", object + `.spec.paused: expected boolean, got &{true}`,
			"web.yaml:9: spec.paused must be true or false, not a string", "write it without quotes: true at web.yaml:9"},
		{"P13 a string for a port", object + `.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].hostPort: expected numeric (int or float), got string`,
			"web.yaml:20: spec.template.spec.containers[web].ports[containerPort=80,protocol=TCP].hostPort must be a number, not a string", "write it without quotes: 80 at web.yaml:20"},
		{"P13 a string for a list", object + `.spec.template.spec.containers[name="web"].args: expected list, got &{a}`,
			"web.yaml:22: spec.template.spec.containers[web].args must be a list, not a string", "check the indentation, and the dashes (-) of lists at web.yaml:22"},
		{"P13 a list for a mapping", object + `.spec.template.spec.nodeSelector: expected map, got &{[a]}`,
			"web.yaml:23: spec.template.spec.nodeSelector must be a mapping, not a list", "check the indentation, and the dashes (-) of lists at web.yaml:23"},
		{"P13 an annotation whose name holds dots", object + `.metadata.annotations.example.com/a.b: expected string, got &value.valueUnstructured{Value:1}`,
			"web.yaml:6: metadata.annotations[example.com/a.b] must be a string, not a number", `put the value in quotes: "1" at web.yaml:6`},
		{"P13 a key twice", object + `.spec.template.spec.containers[name="web"].env: duplicate entries for key [name="PORT"]`,
			"web.yaml:17: spec.template.spec.containers[web].env has two items with the key PORT", "remove one of the two, or rename it at web.yaml:17"},
		{"P13 a port twice, with a default", object + `.spec.template.spec.containers[name="web"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]`,
			"web.yaml:21: spec.template.spec.containers[web].ports has two items with the key containerPort=80,protocol=TCP", "remove one of the two, or rename it at web.yaml:21"},
		{"P13 an item without its key", object + `.spec.template.spec.containers[name="web"].env: element 3: associative list with keys has an element that omits key field "name" (and doesn't have default value)`,
			"web.yaml:18: spec.template.spec.containers[web].env[3] has no name", "give each item of the list a name at web.yaml:18"},
		{"P13 an unknown field", object + `.spec.template.spec.containers[name="web"].args: field not declared in schema`,
			"web.yaml:22: unknown field spec.template.spec.containers[web].args", "check the spelling and indentation at web.yaml:22"},
		{"P13 unknown fields of a custom resource", `strict decoding error: unknown field "spec.paused", unknown field "spec.template.spec.containers[0].args"`,
			"web.yaml:9: unknown field spec.paused; web.yaml:22: unknown field spec.template.spec.containers[0].args", "check the spelling and indentation at web.yaml:9"},
		{"P13 several at once", object + "errors:\n  .spec.replicas: expected numeric (int or float), got string\n  .spec.paused: expected boolean, got &{true\nb}",
			"web.yaml:8: spec.replicas must be a number, not a string; web.yaml:9: spec.paused must be true or false, not a string", "write it without quotes: 3 at web.yaml:8"},
		{"P13 a place that is not in the manifest", object + `.spec.other[name="x"].y: expected string, got &value.valueUnstructured{Value:1}`,
			"web.yaml:2: spec.other[x].y must be a string", "correct the manifest at web.yaml:2"},
		{"P13 half a number", "failed to convert new typed object (shop/web; apps/v1, Kind=Deployment) to object: unable to convert unstructured object to apps/v1, Kind=Deployment: cannot convert float64 to int32",
			"web.yaml:25: spec.minReadySeconds must be a whole number", "write it without a fraction at web.yaml:25"},
		{"P13 no quantity", "failed to convert new typed object (shop/web; apps/v1, Kind=Deployment) to object: unable to convert unstructured object to apps/v1, Kind=Deployment: quantities must match the regular expression '^x$'",
			"web.yaml:24: spec.template.spec.volumes[0].emptyDir.sizeLimit is not a quantity", "write a number with a suffix such as m, Ki, Mi or Gi: 500m, 1Gi at web.yaml:24"},
		{"P13 something else that cannot be read", "failed to convert new typed object (shop/web; apps/v1, Kind=Deployment) to object: unable to convert unstructured object to apps/v1, Kind=Deployment: cannot restore struct from: string",
			"web.yaml:2: cannot be read: cannot restore struct from: string", "correct the manifest at web.yaml:2"},
		{"P13 words of a later version", object + `.spec.replicas: something new &value.valueUnstructured{Value:1}`,
			"web.yaml:8: spec.replicas does not fit the schema of its kind", "correct the manifest at web.yaml:8"},
		{"P13 no place at all", object + `something new`, "web.yaml:2: does not fit the schema of its kind", "correct the manifest at web.yaml:2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var given map[string]any
			if err := yaml.Unmarshal([]byte(misfits), &given); err != nil {
				t.Fatal(err)
			}
			list := mismatches(test.answer, given)
			message, advice := wordMismatches(list, manifest.Origin{File: "web.yaml", Line: 2}, func(m mismatch) int {
				return render.Locate([]byte(misfits), 2, m.path, m.value)
			})
			if message != test.message || advice != test.advice {
				t.Errorf("got:\n%s\n%s\nwant:\n%s\n%s", message, advice, test.message, test.advice)
			}
		})
	}
	if isMismatch(serverError(422, "Invalid", "spec.replicas: Invalid value")) {
		t.Error("P13 another refusal is none")
	}
}
