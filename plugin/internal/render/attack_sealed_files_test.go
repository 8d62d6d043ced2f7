package render

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// What SOPS encrypted reaches the object that it is for, as SOPS itself decrypts it, and is masked wherever the object is shown.
func TestDecryptedFilesReachTheirObjects(t *testing.T) {
	tests := map[string]map[string]string{ // by scene: the path of a value, and the value
		"sops_objects": {
			"ConfigMap/settings/data/dsn":             "postgres://web:hunter2-canary@db",
			"ConfigMap/two/data/app.yaml":             "listen: all\npassword: hunter2-second\n",
			"ConfigMap/json/binaryData/key":           "aHVudGVyMi1iaW5hcnk=",
			"HelmRelease/shop/spec/values/db":         `{"password":"hunter2-canary","user":"shop"}`,
			"Database/suffix/spec/users":              `[{"name":"reader","token_secret":"hunter2-reader"}]`,
			"Database/unencrypted/spec/replicas":      "3",
			"Database/unencrypted/spec/token":         "hunter2-token",
			"Secret/one/data/password":                encoded("hunter2-canary"),
			"Database/unencrypted/metadata/name":      "unencrypted",
			"HelmRelease/shop/spec/values/replicas":   "2",
			"Database/suffix/spec/port":               "5432",
			"Database/unencrypted/spec/host_plain":    "db.example.com",
			"ConfigMap/settings/metadata/labels/app":  "web",
			"ConfigMap/json/data/password":            "hunter2-json",
			"HelmRelease/shop/spec/values/hosts":      `["shop.example.com"]`,
			"ConfigMap/settings/data/mode":            "fast",
			"HelmRelease/shop/metadata/name":          "shop",
			"Database/suffix/metadata/name":           "suffix",
			"ConfigMap/two/metadata/name":             "two",
			"ConfigMap/json/metadata/name":            "json",
			"ConfigMap/settings/metadata/annotations": "null",
		},
		"sops_objects_filled": {"ConfigMap/c/data/dsn": "hunter2-prod-canary"},
		"sops_helm_values": {
			"Secret/shop-db/data/password":  encoded("hunter2-canary"),
			"Secret/shop-db/data/dsn":       encoded("postgres://web:hunter2-canary@db.example.com"),
			"Secret/shop-db/data/token":     encoded("hunter2-token"),
			"Deployment/shop/spec/replicas": "4",
		},
		"sops_helm_own_values": {"Secret/shop-db/data/password": encoded("hunter2-canary"), "Deployment/shop/spec/replicas": "2"},
		"sops_charts":          {"Secret/shop-db/data/password": encoded("hunter2-canary"), "Deployment/shop/spec/replicas": "3"},
		"sops_generators": {
			"Secret/prod-env-ddhd5ckk4g/data/DB_PASSWORD":        encoded("hunter2-canary"),
			"Secret/prod-env-ddhd5ckk4g/data/DB_PORT":            encoded("5432"),
			"Secret/prod-env-ddhd5ckk4g/data/TEXT":               encoded(`two\nlines of hunter2`),
			"Secret/prod-files-d69khkdctb/data/config.yaml":      encoded("log: debug\npassword: hunter2-yaml\n"),
			"Secret/prod-files-d69khkdctb/data/config.json":      encoded("{\n\t\"log\": \"debug\",\n\t\"password\": \"hunter2-json\"\n}\n"),
			"Secret/prod-files-d69khkdctb/data/my.cnf":           encoded("[client]\nuser     = web\npassword = hunter2-ini\n"),
			"Secret/prod-files-d69khkdctb/data/tls.key":          encoded("-----BEGIN KEY-----\nhunter2-binary\n-----END KEY-----\n"),
			"Secret/prod-pull-cmt87889h7/data/.dockerconfigjson": encoded(`{"auths": {"registry.example.com": {"auth": "aHVudGVyMi1kb2NrZXI="}}}`),
		},
		"sops_config_allowed": {"ConfigMap/env-g5bmdfgbth/data/DB_PASSWORD": "hunter2-canary", "ConfigMap/env-g5bmdfgbth/data/DB_PORT": "5432"},
		"sops_patches":        {"Secret/db/data/password": encoded("hunter2-canary"), "Secret/db/data/token": encoded("hunter2-token")},
	}
	for name, want := range tests {
		t.Run("X8 "+name, func(t *testing.T) {
			scene := readScene(t, "testdata/"+name+".txtar")
			objects, err := Dir(t.Context(), openRoot(t, scene.checkout(t)), scene.dir, scene.options)
			if err != nil {
				t.Fatal(err)
			}
			for at, want := range want {
				parts := strings.Split(at, "/")
				found := false
				for _, o := range objects {
					if o.GetKind() != parts[0] || o.GetName() != parts[1] {
						continue
					}
					var path []any
					for _, part := range parts[2:] {
						path = append(path, part)
					}
					found = true
					value := valueAt(o.Object, path)
					text, is := value.(string)
					if !is {
						data, err := json.Marshal(value)
						if err != nil {
							t.Fatal(err)
						}
						text = string(data)
					}
					if o.GetKind() == "Secret" {
						text = strings.ReplaceAll(text, "\n", "") // Kustomize writes base64 in lines
					}
					if text != want {
						t.Errorf("%s is %q, want %q", at, text, want)
					}
				}
				if !found {
					t.Errorf("there is no object of %s", at)
				}
			}
			for _, o := range objects {
				shown, err := json.Marshal([]any{Masked(o), o.Hidden.Object(o.Unstructured).Object})
				if err != nil {
					t.Fatal(err)
				}
				if isSecret(o.Unstructured) {
					shown, err = json.Marshal(Masked(o))
				}
				if err != nil || strings.Contains(string(shown), "hunter2") {
					t.Errorf("it is shown: %s, %v", shown, err)
				}
			}
		})
	}
}

// An overlay of the app copies and renames objects. They are the same objects, with the same values to hide.
func TestDecryptedFilesUnderAnOverlay(t *testing.T) {
	for name, count := range map[string]int{"sops_objects": 7, "sops_helm_values": 2, "sops_generators": 3, "sops_charts": 2} {
		t.Run("X8 "+name, func(t *testing.T) {
			scene := readScene(t, "testdata/"+name+".txtar")
			scene.options.Overlay = &Overlay{NamePrefix: "over-", Namespace: "over", Labels: map[string]string{"over": "laid"}}
			objects, err := Dir(t.Context(), openRoot(t, scene.checkout(t)), scene.dir, scene.options)
			if err != nil {
				t.Fatal(err)
			}
			if len(objects) != count {
				t.Errorf("%d objects", len(objects))
			}
			for _, o := range objects {
				if shown, err := json.Marshal(Masked(o)); err != nil || strings.Contains(string(shown), "hunter2") || !strings.HasPrefix(o.GetName(), "over-") {
					t.Errorf("%s, %v", shown, err)
				}
			}
		})
	}
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// Each error about an encrypted file names a file and, but for one, a line. It has a hint and shows no value.
func TestErrorsOfEncryptedFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/sops_*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, file := range files {
		scene := readScene(t, file)
		if strings.HasSuffix(file, "sops_key_garbage.txtar") {
			continue // about no file of the repository
		}
		_, err := Dir(t.Context(), openRoot(t, scene.checkout(t)), scene.dir, scene.options)
		if err == nil {
			continue
		}
		failed++
		var problems Problems
		if errors.As(err, &problems) {
			for _, p := range problems {
				if p.Origin.File == "" || p.Origin.Line == 0 && !strings.Contains(p.Message, "no complete block") || p.Hint == "" {
					t.Errorf("%s: %+v", file, p)
				}
			}
		}
		if text := describe(t, err); strings.Contains(text, "hunter2") || exposes(text) || len(hint.Of(err)) == 0 {
			t.Errorf("%s: %s", file, text)
		}
	}
	if failed < 10 {
		t.Errorf("%d scenes fail", failed)
	}
}
