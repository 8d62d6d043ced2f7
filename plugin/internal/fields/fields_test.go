package fields_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

var key = []byte("a key for tests")

func object(tb testing.TB, text string) *unstructured.Unstructured {
	tb.Helper()
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal([]byte(text), &u.Object); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return u
}

func fieldSet(tb testing.TB, text string) *fieldpath.Set {
	tb.Helper()
	set := fieldpath.NewSet()
	if err := set.FromJSON(strings.NewReader(text)); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return set
}

func TestDigestSeesWhatItMust(t *testing.T) {
	tests := []struct {
		name        string
		owned       string
		one, other  string
		wantChanged bool
	}{
		{"another value", `{"f:a":{}}`, `{"a":1}`, `{"a":2}`, true},
		{"a value that is not ours", `{"f:a":{}}`, `{"a":1,"b":1}`, `{"a":1,"b":2}`, false},
		{"removed", `{"f:a":{}}`, `{"a":1}`, `{}`, true},
		{"null is not absent", `{"f:a":{}}`, `{"a":null}`, `{}`, true},
		{"another type", `{"f:a":{}}`, `{"a":1}`, `{"a":"1"}`, true},
		{"parent removed", `{"f:m":{"f:a":{}}}`, `{"m":{"a":1}}`, `{}`, true},
		{"parent of another type", `{"f:m":{"f:a":{}}}`, `{"m":{"a":1}}`, `{"m":[1]}`, true},
		{"inside an atomic list", `{"f:l":{}}`, `{"l":[1,2]}`, `{"l":[2,1]}`, true},
		{"inside an atomic map", `{"f:m":{}}`, `{"m":{"a":{"b":1}}}`, `{"m":{"a":{"b":2}}}`, true},
		{"a child added to an owned empty map", `{"f:m":{}}`, `{"m":{}}`, `{"m":{"theirs":1}}`, true},
		{"a child added to a map owned by its keys", `{"f:m":{".":{},"f:a":{}}}`, `{"m":{"a":1}}`, `{"m":{"a":1,"theirs":1}}`, false},
		{"list item found by its key wherever it is", `{"f:l":{"k:{\"name\":\"x\"}":{"f:v":{}}}}`,
			`{"l":[{"name":"x","v":1}]}`, `{"l":[{"name":"y","v":2},{"name":"x","v":1}]}`, false},
		{"value in a list item", `{"f:l":{"k:{\"name\":\"x\"}":{"f:v":{}}}}`, `{"l":[{"name":"x","v":1}]}`, `{"l":[{"name":"x","v":2}]}`, true},
		{"list item removed", `{"f:l":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}`, `{"l":[{"name":"x"}]}`, `{"l":[]}`, true},
		{"a port is a number, not its digits", `{"f:l":{"k:{\"port\":80}":{"f:v":{}}}}`, `{"l":[{"port":80,"v":1}]}`, `{"l":[{"port":"80","v":1}]}`, true},
		{"both keys count", `{"f:l":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:v":{}}}}`,
			`{"l":[{"port":80,"protocol":"UDP","v":9},{"port":80,"protocol":"TCP","v":1}]}`,
			`{"l":[{"port":80,"protocol":"UDP","v":8},{"port":80,"protocol":"TCP","v":1}]}`, false},
		{"value of a set removed", `{"f:s":{"v:\"x\"":{}}}`, `{"s":["x","y"]}`, `{"s":["y"]}`, true},
		{"other value of a set", `{"f:s":{"v:\"x\"":{}}}`, `{"s":["x","y"]}`, `{"s":["z","x"]}`, false},
		{"index", `{"f:l":{"i:1":{}}}`, `{"l":[1,2]}`, `{"l":[1,3]}`, true},
		{"another index", `{"f:l":{"i:1":{}}}`, `{"l":[1,2]}`, `{"l":[3,2]}`, false},
		{"index beyond the end", `{"f:l":{"i:5":{}}}`, `{"l":[1,2]}`, `{"l":[]}`, false},
		{"values do not run into each other", `{"f:a":{},"f:b":{}}`, `{"a":"x","b":"yz"}`, `{"a":"xy","b":"z"}`, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := fieldSet(t, test.owned)
			one, other := fields.Digest(key, object(t, test.one), set), fields.Digest(key, object(t, test.other), set)
			if (one != other) != test.wantChanged {
				t.Errorf("digests %s and %s, want them different: %t", one, other, test.wantChanged)
			}
			if len(one) != 22 {
				t.Errorf("a digest has %d characters, want 22", len(one))
			}
			if one == fields.Digest([]byte("another key"), object(t, test.one), set) {
				t.Error("the key makes no difference")
			}
			differs := len(fields.Diff(object(t, test.one), object(t, test.other), set)) > 0
			if differs != test.wantChanged && test.name != "parent of another type" && test.name != "list item removed" {
				t.Errorf("Diff finds a difference: %t, Digest: %t", differs, test.wantChanged)
			}
		})
	}
}

const schema = `
types:
- name: object
  map:
    fields:
    - {name: data, type: {map: {elementType: {scalar: string}}}}
    - {name: ports, type: {list: {elementRelationship: associative, keys: [port, protocol], elementType: {namedType: port}}}}
    - {name: finalizers, type: {list: {elementRelationship: associative, elementType: {scalar: string}}}}
    - {name: args, type: {list: {elementRelationship: atomic, elementType: {scalar: string}}}}
    - {name: selector, type: {map: {elementRelationship: atomic, elementType: {scalar: string}}}}
    - {name: nested, type: {namedType: object}}
- name: port
  map:
    fields:
    - {name: port, type: {scalar: numeric}}
    - {name: protocol, type: {scalar: string}}
    - {name: name, type: {scalar: string}}
    - {name: labels, type: {map: {elementType: {scalar: string}}}}
`

// randomObject returns an object of the schema, small enough that two of them often agree.
func randomObject(r *rand.Rand, depth int) map[string]any {
	word := func() string { return []string{"a", "b"}[r.IntN(2)] }
	words := func() map[string]any {
		m := map[string]any{}
		for range r.IntN(3) {
			m[word()] = word()
		}
		return m
	}
	u := map[string]any{}
	if r.IntN(2) == 0 {
		u["data"] = words()
	}
	if r.IntN(2) == 0 {
		u["selector"] = words()
	}
	if r.IntN(2) == 0 {
		u["args"] = []any{word(), word()}
	}
	if r.IntN(2) == 0 {
		u["finalizers"] = [][]any{{"a"}, {"a", "b"}, {"b", "a"}, {}}[r.IntN(4)]
	}
	if r.IntN(3) > 0 {
		ports := []any{}
		for _, p := range r.Perm(3)[:r.IntN(4)] {
			port := map[string]any{"port": int64(80 + p/2), "protocol": []string{"TCP", "UDP"}[p%2], "name": word()}
			if r.IntN(2) == 0 {
				port["labels"] = words()
			}
			ports = append(ports, port)
		}
		u["ports"] = ports
	}
	if depth > 0 && r.IntN(2) == 0 {
		u["nested"] = randomObject(r, depth-1)
	}
	return u
}

// FuzzDigest compares Digest with a slow oracle: structured-merge-diff, with a schema, takes the owned items out of
// both objects. The digests are equal exactly when what it takes out is.
func FuzzDigest(f *testing.F) {
	parser, err := typed.NewParser(schema)
	if err != nil {
		f.Fatal(err)
	}
	for seed := range uint64(2000) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		one, other := randomObject(r, 1), randomObject(r, 1)
		if r.IntN(3) == 0 { // nearly the same
			other = (&unstructured.Unstructured{Object: one}).DeepCopy().Object
			maps.Copy(other, randomObject(r, 0))
		}
		whole := func(o map[string]any) *typed.TypedValue {
			v, err := parser.Type("object").FromUnstructured(o)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		all, err := whole(one).ToFieldSet()
		if err != nil {
			t.Fatal(err)
		}
		owned := fieldpath.NewSet()
		all.Leaves().Iterate(func(p fieldpath.Path) {
			if r.IntN(2) == 0 {
				owned.Insert(p.Copy())
			}
		})
		if owned.Empty() {
			return
		}
		extracted := func(o map[string]any) any { return sortedLists(whole(o).ExtractItems(owned).AsValue().Unstructured()) }
		same := reflect.DeepEqual(extracted(one), extracted(other))
		u, v := &unstructured.Unstructured{Object: one}, &unstructured.Unstructured{Object: other}
		if digests := fields.Digest(key, u, owned) == fields.Digest(key, v, owned); digests != same {
			raw, _ := owned.ToJSON()
			t.Errorf("digests equal: %t, owned items equal: %t\n%v\n%v\nowned %s\n%v\n%v", digests, same, one, other, raw, extracted(one), extracted(other))
		}
		if differs := len(fields.Diff(u, v, owned)) > 0; differs == same {
			t.Errorf("Diff finds a difference: %t, owned items equal: %t", differs, same)
		}
	})
}

// sortedLists puts the items of sets and keyed lists into one order, which is nobody's to own.
func sortedLists(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			if k != "args" {
				x[k] = sortedLists(e)
			}
		}
	case []any:
		slices.SortFunc(x, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return v
}

// FuzzFieldsV1 feeds bytes as the server's field set: whatever they are, nothing panics.
func FuzzFieldsV1(f *testing.F) {
	for _, s := range []string{`{"f:a":{}}`, `{"k:{}":{}}`, `{"k:{\"a\":1}":{".":{}}}`, `{"v:1":{}}`, `{"i:1":{}}`, `{"i:-1":{}}`, `{"x:y":{}}`, `{"f":{}}`,
		`{"":{}}`, `{"f:a":null}`, `{"f:a":{"f:b":{"k:{\"x\":[1]}":{}}}}`, `[]`, `null`, `{`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		u := object(t, fmt.Sprintf(`{"a":{"b":[{"x":1},{"x":[1]},3]},"metadata":{"managedFields":[
			{"manager":"us","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":%s},
			{"manager":"them","operation":"Update","fieldsType":"FieldsV1","fieldsV1":%[1]s}]}}`, raw))
		set, ok, err := fields.Applied(u, "us")
		if err != nil || !ok {
			return
		}
		fields.Digest(key, u, set)
		for _, d := range fields.Diff(u, object(t, `{}`), set) {
			fields.SetBy(u, d, "us")
		}
		fields.Holds(set, "a", "b")
	})
}

func managed(entries ...string) string {
	return `{"metadata":{"managedFields":[` + strings.Join(entries, ",") + `]}}`
}

func entry(manager, operation, subresource, at, owned string) string {
	return fmt.Sprintf(`{"manager":%q,"operation":%q,"subresource":%q,"time":%q,"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":%s}`,
		manager, operation, subresource, at, owned)
}

const (
	monday  = "2026-11-23T10:00:00Z"
	tuesday = "2026-11-24T10:00:00Z"
)

func TestAppliedIsOurApplyEntryOnly(t *testing.T) {
	tests := []struct {
		name, object string
		want         string // of the set; "none", or "error"
	}{
		{"nobody", `{}`, "none"},
		{"ours", managed(entry("us", "Apply", "", monday, `{"f:a":{}}`)), ".a"},
		{"our Update is another owner", managed(entry("us", "Update", "", monday, `{"f:a":{}}`)), "none"},
		{"our apply of a subresource too", managed(entry("us", "Apply", "status", monday, `{"f:a":{}}`)), "none"},
		{"somebody else's", managed(entry("them", "Apply", "", monday, `{"f:a":{}}`)), "none"},
		{"an unknown prefix", managed(entry("us", "Apply", "", monday, `{"z:a":{}}`)), "error"},
		{"an entry without fields", managed(`{"manager":"us","operation":"Apply"}`), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set, ok, err := fields.Applied(object(t, test.object), "us")
			got := "none"
			switch {
			case err != nil:
				got = "error"
			case ok:
				got = set.String()
			}
			if got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestDiffNamesFieldsAsPeopleDo(t *testing.T) {
	owned := fieldSet(t, `{"f:metadata":{"f:annotations":{"f:example.com/a":{}}},"f:spec":{"f:replicas":{},"f:paused":{},
		"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{"f:hostPort":{}}}}},
		"f:finalizers":{"v:\"keep\"":{}},"f:list":{"i:0":{}}}}`)
	before := object(t, `{"metadata":{"annotations":{"example.com/a":"x"}},"spec":{"replicas":5,"finalizers":["keep"],"list":[1],
		"containers":[{"name":"web","image":"one","ports":[{"containerPort":80,"protocol":"TCP","hostPort":1}]}]}}`)
	after := object(t, `{"metadata":{"annotations":{}},"spec":{"replicas":3,"paused":true,"list":[2],
		"containers":[{"name":"side"},{"name":"web","image":"two","ports":[{"containerPort":80,"protocol":"TCP","hostPort":2}]}]}}`)
	var got []string
	for _, d := range fields.Diff(before, after, owned) {
		got = append(got, fmt.Sprintf("%s: %v -> %v", d.Path, d.From, d.To))
	}
	want := []string{
		"metadata.annotations[example.com/a]: x -> <nil>",
		"spec.paused: <nil> -> true",
		"spec.replicas: 5 -> 3",
		"spec.containers[web].image: one -> two",
		"spec.containers[web].ports[80,TCP].hostPort: 1 -> 2",
		`spec.finalizers["keep"]: keep -> <nil>`,
		"spec.list[0]: 1 -> 2",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDiffComparesValuesNotTheirTypes(t *testing.T) {
	owned := fieldSet(t, `{"f:x":{}}`)
	for _, test := range []struct {
		a, b  string
		equal bool
	}{
		{"1", "1.0", true}, {"1", "2", false}, {"null", "null", true}, {"null", "0", false}, {`"1"`, "1", false}, {"true", "true", true},
		{`{"a":1,"b":[1,{"c":null}]}`, `{"b":[1.0,{"c":null}],"a":1}`, true}, {`{"a":1}`, `{"b":1}`, false}, {`{"a":null}`, `{}`, false},
		{"[1,2]", "[2,1]", false}, {"[]", "{}", false}, {"[]", "null", false}, {"{}", "null", false}, {"[1]", "[1,1]", false},
	} {
		a, b := object(t, `{"x":`+test.a+`}`), object(t, `{"x":`+test.b+`}`)
		if got := len(fields.Diff(a, b, owned)) == 0; got != test.equal {
			t.Errorf("%s and %s are the same: %v", test.a, test.b, got)
		}
	}
}

func TestDotted(t *testing.T) {
	tests := map[string]fieldpath.Path{
		"":                       {},
		"spec.replicas":          fieldpath.MakePathOrDie("spec", "replicas"),
		"data[app.properties]":   fieldpath.MakePathOrDie("data", "app.properties"),
		"l[name-of-it].v":        fieldpath.MakePathOrDie("l", fieldpath.KeyByFields("name", "name-of-it"), "v"),
		"ports[80,TCP].name":     fieldpath.MakePathOrDie("ports", fieldpath.KeyByFields("port", 80, "protocol", "TCP"), "name"),
		`set["x"]`:               fieldpath.MakePathOrDie("set", value.NewValueInterface("x")),
		"list[3]":                fieldpath.MakePathOrDie("list", 3),
		"list[web].env[A].value": fieldpath.MakePathOrDie("list", fieldpath.KeyByFields("name", "web"), "env", fieldpath.KeyByFields("name", "A"), "value"),
	}
	for want, path := range tests {
		if got := fields.Dotted(path); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSetByFindsWhoSetTheValue(t *testing.T) {
	ours := entry("us", "Apply", "", tuesday, `{"f:spec":{"f:replicas":{}}}`)
	tests := []struct {
		name    string
		entries []string
		want    string
	}{
		{"only we", []string{ours}, ""},
		{"an owner", []string{ours, entry("kubectl-edit", "Update", "", monday, `{"f:spec":{"f:replicas":{}}}`)}, "kubectl-edit Update"},
		{"of a subresource", []string{entry("kubectl-scale", "Update", "scale", monday, `{"f:spec":{"f:replicas":{}}}`)}, "kubectl-scale Update scale"},
		{"the newest of two", []string{entry("b", "Update", "", tuesday, `{"f:spec":{"f:replicas":{}}}`),
			entry("a", "Update", "", monday, `{"f:spec":{"f:replicas":{}}}`)}, "b Update"},
		{"the owner of an atomic parent", []string{entry("whole", "Apply", "", monday, `{"f:spec":{}}`)}, "whole Apply"},
		{"not the owner of a neighbour", []string{entry("other", "Update", "", monday, `{"f:spec":{"f:paused":{}}}`)}, ""},
		{"our own Update", []string{entry("us", "Update", "", monday, `{"f:spec":{"f:replicas":{}}}`)}, "us Update"},
		{"past an entry that is not readable", []string{entry("odd", "Update", "", tuesday, `{"z:spec":{}}`),
			entry("a", "Update", "", monday, `{"f:spec":{"f:replicas":{}}}`)}, "a Update"},
	}
	before, after := object(t, `{"spec":{"replicas":5}}`), object(t, `{"spec":{"replicas":3}}`)
	d := fields.Diff(before, after, fieldSet(t, `{"f:spec":{"f:replicas":{}}}`))[0]
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if o := fields.SetBy(object(t, managed(test.entries...)), d, "us"); o != nil {
				got = strings.TrimSpace(o.Manager + " " + o.Operation + " " + o.Subresource)
				if o.Time.Before(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)) {
					t.Errorf("set at %s", o.Time)
				}
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNewestLeavesOutWhoReportsStatus(t *testing.T) {
	u := object(t, managed(entry("us", "Apply", "", tuesday, `{}`), entry("controller", "Update", "status", tuesday, `{"f:status":{}}`),
		entry("labeller", "Update", "", tuesday, `{"f:metadata":{"f:labels":{"f:a":{}}}}`), entry("edit", "Update", "", monday, `{"f:spec":{"f:a":{}}}`)))
	if o := fields.Newest(u, "us"); o == nil || o.Manager != "edit" {
		t.Errorf("got %v, want edit", o)
	}
	if o := fields.Newest(object(t, managed(entry("us", "Apply", "", tuesday, `{}`))), "us"); o != nil {
		t.Errorf("got %v, want nobody", o)
	}
}

func TestHolds(t *testing.T) {
	set := fieldSet(t, `{"f:spec":{".":{},"f:replicas":{},"f:template":{"f:a":{}}},"f:atomic":{}}`)
	for path, want := range map[string]bool{"spec.replicas": true, "spec.paused": false, "spec": true, "spec.template": true,
		"spec.template.b": false, "atomic.below": true, "status": false} {
		if got := fields.Holds(set, strings.Split(path, ".")...); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
	}
}

// TestAppliedReadsDecodedFields: what is read from the decoded object is what the library reads from its JSON.
func TestAppliedReadsDecodedFields(t *testing.T) {
	for _, fieldsV1 := range []string{`{}`, `{"f:a":{}}`, `{"f:a":{".":{}}}`, `{"f:a":{".":{},"f:b":{}}}`, `{"f:a":{"f:b":{"f:c":{},"f:d":{}}},"f:e":{}}`,
		`{"f:l":{"k:{\"name\":\"a\",\"port\":80}":{".":{},"f:v":{}},"v:\"x\"":{},"i:3":{"f:z":{}}}}`} {
		got, ok, err := fields.Applied(object(t, managed(entry("us", "Apply", "", monday, fieldsV1))), "us")
		if want := fieldSet(t, fieldsV1); err != nil || !ok || !got.Equals(want) {
			t.Errorf("%s: got %v, %t, %v; want %v", fieldsV1, got, ok, err, want)
		}
	}
	for _, fieldsV1 := range []string{`{"z:a":{}}`, `{"f:a":1}`, `{"k:not json":{}}`, `[]`, `{"a":{}}`} {
		if set, ok, err := fields.Applied(object(t, managed(entry("us", "Apply", "", monday, fieldsV1))), "us"); err == nil || ok {
			t.Errorf("%s: got %v, want an error", fieldsV1, set)
		}
	}
}
