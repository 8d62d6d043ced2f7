package pins

import (
	"slices"
	"strings"
	"testing"
)

const head = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOpsLock\n"

func TestWrittenAndRead(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	want := Lock{
		{URL: "https://a.example", Chart: "db", Constraint: ">=1.2 <2", Version: "1.10.0", Digest: digest},
		{URL: "https://git.example/base.git", Constraint: "main", Version: "0123456789abcdef0123456789abcdef01234567"},
		{URL: "oci://b.example/x", Chart: "web", Constraint: "1.2", Version: "1.2.0", Digest: digest},
	}
	text, err := Lock{want[2], want[0], want[1]}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s\n%v %v", text, got, err)
	}
	if e, ok := got.Find("oci://b.example/x", "web", "1.2"); !ok || e != want[2] {
		t.Errorf("found %v %v", e, ok)
	}
	if e, ok := got.Find("oci://b.example/x", "web", "1.3"); ok {
		t.Errorf("found %v", e)
	}
}

func TestBadLocks(t *testing.T) {
	entry := func(more string) string {
		return head + "entries:\n- {url: https://a.example, chart: db, " + more + "}\n"
	}
	for text, want := range map[string]string{
		"":                                       "gitops.lock.yaml: the file is empty",
		"a: [":                                   "gitops.lock.yaml:",
		"- a":                                    "gitops.lock.yaml:1: the file is not a mapping",
		"kind: GitOpsLock":                       "gitops.lock.yaml:1: the file has no apiVersion",
		head + "entries: {}":                     "gitops.lock.yaml:3: entries is not a list",
		head + "entry: []":                       `gitops.lock.yaml:3: unknown key "entry" in the file`,
		head + "entries: [a]":                    "gitops.lock.yaml:3: the entry is not a mapping",
		"apiVersion: v1\nkind: GitOpsLock":       `gitops.lock.yaml:1: apiVersion: "v1" is not known`,
		entry("constraint: 1.x"):                 "gitops.lock.yaml:4: the entry has no version",
		entry("constraint: 1.x, version: [1]"):   "gitops.lock.yaml:4: version is not a string",
		entry("constraint: 1.x, version: 2.0.0"): "gitops.lock.yaml:4: db 1.x from https://a.example: version 2.0.0 does not fit 1.x",
		entry("constraint: 1.x, version: main"):  "gitops.lock.yaml:4: db 1.x from https://a.example: version main does not fit 1.x",
		entry("constraint: 1.x, version: 1.0.0, digest: abc"):                                                                 `gitops.lock.yaml:4: "abc" is not a digest`,
		entry("constraint: 1.x, version: 1.0.0, version: 1.1.0"):                                                              "gitops.lock.yaml",
		entry("constraint: 1.x, version: 1.0.0") + "- {url: https://a.example, chart: db, constraint: 1.x, version: 1.1.0}\n": "gitops.lock.yaml:5: db 1.x from https://a.example is given twice, first in line 4",
		head + "#" + strings.Repeat("x", maxBytes):                                                                            "gitops.lock.yaml: the file is larger than 1 MiB",
	} {
		_, err := Parse([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.200s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestUpdate(t *testing.T) {
	a := Entry{URL: "https://a.example", Chart: "db", Constraint: "1.x", Version: "1.0.0", Digest: "sha256:1"}
	newer := a
	newer.Version, newer.Digest = "1.1.0", "sha256:2"
	exact := Entry{URL: "https://a.example", Chart: "db", Constraint: "1.0.0", Version: "1.0.0", Digest: "sha256:1"}
	anew := exact
	anew.Digest = "sha256:3"
	other := Entry{URL: "oci://b.example", Chart: "web", Constraint: "~2", Version: "2.0.0", Digest: "sha256:4"}
	for name, tt := range map[string]struct {
		lock        Lock
		found       []Entry
		exact, keep bool
		want        Lock
		changes     []Change
	}{
		"nothing":                      {},
		"a new range":                  {found: []Entry{a}, want: Lock{a}, changes: []Change{{Now: a}}},
		"a new range, twice":           {found: []Entry{a, a}, want: Lock{a}, changes: []Change{{Now: a}}},
		"the same":                     {lock: Lock{a}, found: []Entry{a}, want: Lock{a}},
		"another version":              {lock: Lock{a}, found: []Entry{newer}, want: Lock{newer}, changes: []Change{{a, newer}}},
		"an exact version needs none":  {found: []Entry{exact}},
		"an exact version, asked for":  {found: []Entry{exact}, exact: true, want: Lock{exact}, changes: []Change{{Now: exact}}},
		"an exact version that has it": {lock: Lock{exact}, found: []Entry{anew}, want: Lock{anew}, changes: []Change{{exact, anew}}},
		"gone":                         {lock: Lock{a, other}, found: []Entry{other}, want: Lock{other}, changes: []Change{{Was: a}}},
		"not looked for":               {lock: Lock{a, other}, found: []Entry{other}, keep: true, want: Lock{other, a}},
	} {
		got, changes := tt.lock.Update(tt.found, tt.exact, tt.keep)
		if !slices.Equal(got, tt.want) || !slices.Equal(changes, tt.changes) {
			t.Errorf("%s: got %v, %v", name, got, changes)
		}
	}
}
