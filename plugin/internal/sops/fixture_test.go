package sops

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"testing"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
)

// The files of testdata were encrypted by sops 3.12.1 for testdata/key.txt.
func TestFilesOfSOPS(t *testing.T) {
	identities := fixtureKey(t)
	secret := func(name string, more map[string]any) map[string]any {
		m := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name}}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	db := secret("db", map[string]any{"stringData": map[string]any{"password": "hunter2-canary", "port": "5432", "empty": ""}})
	two := secret("two", map[string]any{"stringData": map[string]any{"b": "several hunter2-canary\nlines\n"}})
	two["metadata"] = map[string]any{"name": "two", "annotations": map[string]any{"n": "1"}}
	for name, want := range map[string][]map[string]any{
		"regex.yaml":              {db},
		"mac-only-encrypted.yaml": {db},
		"whole.yaml":              {secret("one", map[string]any{"data": map[string]any{"a": "aHVudGVyMi1jYW5hcnk="}}), two},
		"j.json":                  {secret("j", map[string]any{"stringData": map[string]any{"x": "hunter2-canary"}})},
		"types.yaml": {{"kind": "Secret", "int": 5, "float": 0.5, "big": 1e6, "bool": true, "none": nil,
			"list": []any{1, "two", map[string]any{"three": 3}}, "time": "2026-11-25T10:00:00Z", "plain_unencrypted": "readable"}},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := Decrypt(fixture(t, name), identities)
			if err != nil {
				t.Fatal(err)
			}
			for i, doc := range docs {
				if !reflect.DeepEqual(doc.Value, want[i]) {
					t.Errorf("document %d: %#v", i, doc.Value)
				}
				if doc.Readable {
					t.Errorf("document %d is readable", i)
				}
			}
			if len(docs) != len(want) {
				t.Errorf("%d documents", len(docs))
			}
		})
	}
}

func fixtureKey(t testing.TB) []age.Identity {
	t.Helper()
	key, err := os.Open("testdata/key.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	identities, err := age.ParseIdentities(key)
	if err != nil {
		t.Fatal(err)
	}
	return identities
}

func fixture(t testing.TB, name string) []*yaml.Node {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		n := &yaml.Node{}
		if err := decoder.Decode(n); errors.Is(err, io.EOF) {
			return nodes
		} else if err != nil {
			t.Fatal(err)
		}
		if !Encrypted(n) {
			t.Errorf("%s is not recognised", name)
		}
		nodes = append(nodes, n)
	}
}

// Whatever is in the file, decrypting ends, and gives no value of another key.
func FuzzDecrypt(f *testing.F) {
	for _, name := range []string{"regex.yaml", "types.yaml", "j.json"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	identities := fixtureKey(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &yaml.Node{}
		if err := yaml.Unmarshal(data, n); err != nil || !Encrypted(n) {
			return
		}
		docs, err := Decrypt([]*yaml.Node{n}, identities)
		if err == nil && len(docs) != 1 {
			t.Error("no document and no error")
		}
	})
}
