package bumper

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func images(t *testing.T, assignments ...string) []Image {
	t.Helper()
	var out []Image
	for _, s := range assignments {
		image, err := ParseAssignment(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, image)
	}
	return out
}

func TestBumpImage(t *testing.T) {
	for name, c := range map[string]struct {
		doc, assignment, want string
		note                  string
	}{
		"name and tag":       {"image: acme/api:1.0 # c\n", "acme/api=2.0", "image: acme/api:2.0 # c\n", ""},
		"Docker Hub default": {"image: nginx:1.26\n", "docker.io/library/nginx=1.27", "image: nginx:1.27\n", ""},
		"Docker Hub written": {"image: index.docker.io/library/nginx:1.26\n", "nginx=1.27", "image: index.docker.io/library/nginx:1.27\n", ""},
		"port":               {"image: localhost:5000/api:1\n", "localhost:5000/api=2", "image: localhost:5000/api:2\n", ""},
		"tag and digest": {"image: acme/api:1.0@" + shaA + "\n", "acme/api=2.0@" + shaB,
			"image: acme/api:2.0@" + shaB + "\n", ""},
		"digest for tag":            {"image: acme/api:1.0\n", "acme/api@" + shaB, "image: acme/api@" + shaB + "\n", ""},
		"digest added":              {"image: acme/api:1.0\n", "acme/api=1.0@" + shaB, "image: acme/api:1.0@" + shaB + "\n", ""},
		"container without a tag":   {"containers: [{image: acme/api}]\n", "acme/api=2", "containers: [{image: acme/api:2}]\n", ""},
		"single quotes stay":        {"tag: x\nimage: {repository: acme/api, tag: '1.0'}\n", "acme/api=1.30", "tag: x\nimage: {repository: acme/api, tag: '1.30'}\n", ""},
		"number needs quotes":       {"image: {repository: acme/api, tag: v1}\n", "acme/api=1.30", "image: {repository: acme/api, tag: \"1.30\"}\n", "not known which"},
		"number to version":         {"image: {repository: acme/api, tag: 12}\n", "acme/api=v13", "image: {repository: acme/api, tag: v13}\n", ""},
		"octal needs quotes":        {"image: {repository: acme/api, tag: v1}\n", "acme/api=0755", "image: {repository: acme/api, tag: \"0755\"}\n", ""},
		"exponent needs quotes":     {"image: {repository: acme/api, tag: v1}\n", "acme/api=1e3", "image: {repository: acme/api, tag: \"1e3\"}\n", "not known which"},
		"on needs quotes":           {"image: {repository: acme/api, tag: v1}\n", "acme/api=on", "image: {repository: acme/api, tag: \"on\"}\n", "not known which"},
		"date needs quotes":         {"image: {repository: acme/api, tag: v1}\n", "acme/api=2026-01-01", "image: {repository: acme/api, tag: \"2026-01-01\"}\n", ""},
		"empty tag":                 {"image:\n  repository: acme/api\n  tag: \"\"\n", "acme/api=2", "image:\n  repository: acme/api\n  tag: \"2\"\n", ""},
		"tag without a value":       {"image:\n  repository: acme/api\n  tag:\n", "acme/api=v2", "image:\n  repository: acme/api\n  tag: v2\n", ""},
		"tag with a comment only":   {"image:\n  repository: acme/api\n  tag:   # set by CI\n", "acme/api=v2", "image:\n  repository: acme/api\n  tag: v2   # set by CI\n", ""},
		"null tag":                  {"image: {repository: acme/api, tag: ~}\n", "acme/api=v2", "image: {repository: acme/api, tag: v2}\n", ""},
		"registry apart":            {"image: {registry: ghcr.io, repository: acme/api, tag: v1}\n", "ghcr.io/acme/api=v2", "image: {registry: ghcr.io, repository: acme/api, tag: v2}\n", ""},
		"empty registry":            {"image: {registry: '', repository: acme/api, tag: v1}\n", "acme/api=v2", "image: {registry: '', repository: acme/api, tag: v2}\n", ""},
		"digest key filled":         {"image: {repository: acme/api, tag: v1, digest: ''}\n", "acme/api=v2@" + shaA, "image: {repository: acme/api, tag: v2, digest: '" + shaA + "'}\n", ""},
		"bare sha":                  {"image: {repository: acme/api, tag: v1, sha: " + shaA[7:] + "}\n", "acme/api=v2@" + shaB, "image: {repository: acme/api, tag: v2, sha: " + shaB[7:] + "}\n", ""},
		"digest into the tag":       {"image: {repository: acme/api, tag: v1}\n", "acme/api=v2@" + shaB, "image: {repository: acme/api, tag: v2@" + shaB + "}\n", "there is no key for the digest"},
		"only the digest, tag kept": {"image: {repository: acme/api, tag: v1, digest: " + shaA + "}\n", "acme/api@" + shaB, "image: {repository: acme/api, tag: v1, digest: " + shaB + "}\n", "tag v1 stays"},
		"kustomize newName": {"images:\n- name: api\n  newName: ghcr.io/acme/api\n  newTag: v1\n", "ghcr.io/acme/api=v2",
			"images:\n- name: api\n  newName: ghcr.io/acme/api\n  newTag: v2\n", ""},
		"kustomize name, when nothing else has it": {"images:\n- name: api\n  newName: ghcr.io/acme/api\n  newTag: v1\n", "api=v2",
			"images:\n- name: api\n  newName: ghcr.io/acme/api\n  newTag: v2\n", ""},
		"not another's newName": {"images:\n- name: nginx\n  newName: acme/web\n  newTag: v1\nimage: nginx:v1\n", "nginx=v2",
			"images:\n- name: nginx\n  newName: acme/web\n  newTag: v1\nimage: nginx:v2\n", ""},
		"base without a tag under a kustomization": {"containers: [{image: acme/api}]\nimages:\n- {name: acme/api, newTag: v1}\n", "acme/api=v2",
			"containers: [{image: acme/api}]\nimages:\n- {name: acme/api, newTag: v2}\n", ""},
		"anchor and its aliases": {"a: {image: &i acme/api:v1}\nb: {image: *i}\n", "acme/api=v2", "a: {image: &i acme/api:v2}\nb: {image: *i}\n", ""},
		"anchor used as a label": {"image: {repository: acme/api, tag: &v v1}\nlabel: *v\n", "acme/api=v2",
			"image: {repository: acme/api, tag: &v v2}\nlabel: *v\n", "label changes with it"},
		"alias to itself": {"image: acme/api:v1\nx: &x [*x, {y: *x}]\n", "acme/api=v2", "image: acme/api:v2\nx: &x [*x, {y: *x}]\n", ""},
		"merged mapping":  {"a: &a {image: acme/api:v1}\nb: {<<: *a, c: 1}\n", "acme/api=v2", "a: &a {image: acme/api:v2}\nb: {<<: *a, c: 1}\n", ""},
		"template beside": {"image: acme/api:v1\nx: {image: 'acme/api:{{ x }}'}\n", "acme/api=v2",
			"image: acme/api:v2\nx: {image: 'acme/api:{{ x }}'}\n", "from a template"},
		"unknown order":    {"image: acme/api:main-abcdefa\n", "acme/api=v2", "image: acme/api:v2\n", "not known which tag is newer"},
		"not the other":    {"image: acme/api-gateway:v1\nb: {image: acme/api:v1}\n", "acme/api=v2", "image: acme/api-gateway:v1\nb: {image: acme/api:v2}\n", ""},
		"argo replacement": {"kustomize:\n  images: [api=ghcr.io/acme/api:v1]\n", "ghcr.io/acme/api=v2", "kustomize:\n  images: [api=ghcr.io/acme/api:v2]\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := []File{{"f.yaml", []byte(c.doc)}}
			request := Request{Images: images(t, c.assignment)}
			result, err := Bump(files, request)
			if err != nil {
				t.Fatal(err)
			}
			got := string(result.Files["f.yaml"])
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if notes := strings.Join(result.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			again, err := Bump([]File{{"f.yaml", result.Files["f.yaml"]}}, request)
			if err != nil || len(again.Edits) != 0 || len(again.Current) == 0 {
				t.Errorf("a second run edits %v, %v", again.Edits, err)
			}
		})
	}
}

func TestBumpValue(t *testing.T) {
	for name, c := range map[string]struct{ doc, path, value, want string }{
		"integer stays one":       {"replicas: 3\n", "replicas", "5", "replicas: 5\n"},
		"boolean stays one":       {"on: {enabled: true}\n", "on.enabled", "false", "on: {enabled: false}\n"},
		"yes becomes no":          {"enabled: yes\n", "enabled", "no", "enabled: no\n"},
		"string stays one":        {"a: x\n", "a", "5", "a: \"5\"\n"},
		"string with a colon":     {"a: x\n", "a", "b: c", "a: \"b: c\"\n"},
		"string with a hash":      {"a: x\n", "a", "b #c", "a: \"b #c\"\n"},
		"leading dash":            {"a: -Xmx1g\n", "a", "-Xmx2g", "a: -Xmx2g\n"},
		"number to word":          {"a: 3\n", "a", "max", "a: max\n"},
		"double quotes escaped":   {"a: \"x\"\n", "a", `b"\c`, "a: \"b\\\"\\\\c\"\n"},
		"single quotes doubled":   {"a: 'x'\n", "a", "it's", "a: 'it''s'\n"},
		"empty to text":           {"a:\n", "a", "5", "a: \"5\"\n"},
		"null to text":            {"a: ~\n", "a", "null", "a: \"null\"\n"},
		"text to empty":           {"a: x\n", "a", "", "a: \"\"\n"},
		"item by field":           {"a: [{name: x, v: p}, {name: y, v: q}]\n", "a[name=y].v", "z", "a: [{name: x, v: p}, {name: y, v: z}]\n"},
		"item by index":           {"a: [p, q]\n", "a[1]", "z", "a: [p, z]\n"},
		"top-level list":          {"- {p: q}\n", "[0].p", "z", "- {p: z}\n"},
		"top-level list by field": {"- {n: a, p: q}\n", "[n=a].p", "z", "- {n: a, p: z}\n"},
		"dotted key":              {"a: {b.c/d: 'x'}\n", `a["b.c/d"]`, "z", "a: {b.c/d: 'z'}\n"},
		"document by index":       {"a: x\n---\na: y\n", "[1].a", "z", "a: x\n---\na: z\n"},
		"document by field":       {"{kind: A, a: x}\n---\n{kind: B, a: y}\n", "[kind=B].a", "z", "{kind: A, a: x}\n---\n{kind: B, a: z}\n"},
		"document by fields": {"{kind: A, metadata: {name: m}, a: x}\n---\n{kind: A, metadata: {name: n}, a: y}\n", "[kind=A][metadata.name=n].a", "z",
			"{kind: A, metadata: {name: m}, a: x}\n---\n{kind: A, metadata: {name: n}, a: z}\n"},
		"the one document that has it": {"b: x\n---\na: y\n", "a", "z", "b: x\n---\na: z\n"},
		"document of one":              {"a: y\n", "[0].a", "z", "a: z\n"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Bump([]File{{"f.yaml", []byte(c.doc)}}, Request{Values: []Value{{"f.yaml", c.path, c.value}}})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(result.Files["f.yaml"]); got != c.want {
				t.Errorf("got  %swant %s", got, c.want)
			}
		})
	}
}

func TestJSONStaysJSON(t *testing.T) {
	result, err := Bump([]File{{"f.json", []byte(`{"image":{"repository":"acme/api","tag":null},"n":1}`)}},
		Request{Images: images(t, "acme/api=v2"), Values: []Value{{"f.json", "n", "2"}}})
	if got := string(result.Files["f.json"]); err != nil || got != `{"image":{"repository":"acme/api","tag":"v2"},"n":2}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestDowngrade(t *testing.T) {
	files := []File{
		{"dev.yaml", []byte("image: acme/api:1.9.0\n")},
		{"prod.yaml", []byte("image: acme/api:1.8.1\n")},
	}
	request := Request{Images: images(t, "acme/api=1.8.2")}
	result, err := Bump(files, request)
	var older *DowngradeError
	if !errors.As(err, &older) || len(older.Edits) != 1 || older.Edits[0].File != "dev.yaml" || len(result.Files) != 0 {
		t.Fatalf("got %v, %v", result, err)
	}
	if want := "dev.yaml:1:8: acme/api: 1.8.2 is older than 1.9.0"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	request.AllowDowngrade = true
	if result, err = Bump(files, request); err != nil || len(result.Edits) != 2 || len(result.Notes) != 1 {
		t.Errorf("allowed: got %v, %v", result, err)
	}
}

func TestConflicts(t *testing.T) {
	files := []File{{"f.yaml", []byte("image: nginx:1\n")}}
	for name, request := range map[string]Request{
		"image":           {Images: images(t, "nginx=1", "docker.io/library/nginx=2")},
		"image digest":    {Images: images(t, "nginx=1", "nginx=1@"+shaA)},
		"value":           {Values: []Value{{"f.yaml", "image", "a"}, {"f.yaml", "image", "b"}}},
		"value and image": {Images: images(t, "nginx=2"), Values: []Value{{"f.yaml", "image", "nginx:3"}}},
	} {
		result, err := Bump(files, request)
		var conflict *ConflictError
		var refusals Refusals
		if !errors.As(err, &conflict) && !errors.As(err, &refusals) || len(result.Files) != 0 {
			t.Errorf("%s: got %v, %v", name, result, err)
		}
	}
	result, err := Bump(files, Request{Images: images(t, "nginx=2", "docker.io/nginx=2"), Values: []Value{{"f.yaml", "image", "nginx:2"}}})
	if err != nil || len(result.Edits) != 1 {
		t.Errorf("the same twice: got %v, %v", result, err)
	}
}

func TestNotFoundNamesWhatIsNear(t *testing.T) {
	files := []File{
		{"a.yaml", []byte("image: ghcr.io/acme/api:1\n")},
		{"b.yaml", []byte("image: ghcr.io/acme/apl:1\nx: {image: quay.io/other/api:1}\ny: {image: acme/unrelated:1}\n")},
		{"c.yaml", []byte("v: 1.0 # {\"$imagepolicy\": \"flux-system:api:tag\"}\n# image\n")},
		{"d.yaml", []byte("{{ not yaml\n")},
	}
	_, err := Bump(files, Request{Images: images(t, "acme/api=2")})
	var missing *NotFoundError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v", err)
	}
	if want := []string{"ghcr.io/acme/api", "quay.io/other/api", "ghcr.io/acme/apl"}; !reflect.DeepEqual(missing.Near, want) {
		t.Errorf("near are %q, want %q", missing.Near, want)
	}
	if !strings.Contains(missing.Hint, "c.yaml:1:4 follows the ImagePolicy api") {
		t.Errorf("hint is %q", missing.Hint)
	}
	if _, err := Bump(nil, Request{Images: images(t, "acme/api=2")}); !errors.As(err, &missing) {
		t.Errorf("empty tree: got %v", err)
	}
}

func TestFluxMarkersAcrossFiles(t *testing.T) {
	files := []File{
		{"flux/policy.yaml", []byte("kind: ImagePolicy\nmetadata: {name: p, namespace: flux-system}\nspec: {imageRepositoryRef: {name: r}}\n")},
		{"flux/repository.yaml", []byte("kind: ImageRepository\nmetadata: {name: r}\nspec:\n  image: ghcr.io/acme/api\n")},
		{"app.yaml", []byte("version: 1.0.0 # {\"$imagepolicy\": \"flux-system:p:tag\"}\n")},
		{"digest.yaml", []byte("x:\n  d: " + shaA + " # {\"$imagepolicy\": \"flux-system:p:digest\"}\n  v: 1.0.0 # {\"$imagepolicy\": \"flux-system:p:tag\"}\n")},
		{"other.yaml", []byte("version: 1.0.0 # {\"$imagepolicy\": \"flux-system:other:tag\"}\n")},
	}
	result, err := Bump(files, Request{Images: images(t, "ghcr.io/acme/api=1.1.0@"+shaB)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range result.Edits {
		got = append(got, e.File+" "+e.Path)
	}
	if want := []string{"app.yaml version", "digest.yaml x.d", "digest.yaml x.v"}; !slices.Equal(got, want) {
		t.Errorf("edits %q, want %q", got, want)
	}
	if len(result.Notes) > 0 {
		t.Errorf("the ImageRepository is taken for a workload: %q", result.Notes)
	}
}

func TestResultDoesNotDependOnTheOrderOfFiles(t *testing.T) {
	files := corpus(t)
	request := Request{AllowDowngrade: true, Images: images(t, "ghcr.io/acme/api=2", "ghcr.io/acme/web=2", "ghcr.io/acme/base=2", "ghcr.io/acme/shop=2")}
	first, err := Bump(files, request)
	if err != nil || len(first.Edits) < 6 {
		t.Fatalf("%d edits, %v", len(first.Edits), err)
	}
	for range 5 {
		slices.Reverse(files)
		if next, err := Bump(files, request); err != nil || !reflect.DeepEqual(first, next) {
			t.Fatalf("another order gives\n%v\n%v, %v", next.Edits, first.Edits, err)
		}
		files[0], files[3] = files[3], files[0]
	}
	if _, err := Bump(append(files, files[0]), request); err == nil {
		t.Error("a path that is there twice is accepted")
	}
}

func TestAliasBombIsRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("image: acme/api:1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		b.WriteString(strings.NewReplacer("1", string(rune('1'+i)), "0", string(rune('0'+i))).Replace("a1: &a1 [*a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0]\n"))
	}
	_, err := Bump([]File{{"f.yaml", []byte(b.String())}}, Request{Images: images(t, "acme/api=2")})
	if err == nil || !strings.Contains(err.Error(), "its aliases expand to more than") {
		t.Errorf("got %v", err)
	}
}

// sopsValue is a value as SOPS writes it.
const sopsValue = "ENC[AES256_GCM,data:p673w7I=,iv:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,tag:AAECAwQFBgcICQoLDA0ODw==,type:str]"

func TestPlainSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		doc  string
		want string
	}{
		"data":           {"apiVersion: v1\nkind: Secret\ndata:\n  password: aHVudGVyMg==\n", "f.yaml:4:13: data.password: a Secret with readable data"},
		"stringData":     {"apiVersion: v1\nkind: Secret\nstringData: {password: hunter2}\n", "f.yaml:3:24: stringData.password: a Secret with readable stringData"},
		"in a list":      {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, data: {a: YQ==}}\n", "f.yaml:4:44: items[0].data.a: a Secret with readable data"},
		"second":         {"a: 1\n---\napiVersion: v1\nkind: Secret\ndata: {a: YQ==}\n", "f.yaml:5:11: [1].data.a: a Secret with readable data"},
		"sops":           {"apiVersion: v1\nkind: Secret\ndata: {a: '" + sopsValue + "'}\nsops: {}\n", ""},
		"half sops":      {"apiVersion: v1\nkind: Secret\ndata: {a: '" + sopsValue + "', b: YQ==}\nsops: {}\n", "f.yaml:3:133: data.b: a Secret with readable data"},
		"placeholder":    {"apiVersion: v1\nkind: Secret\nstringData: {a: '<path:kv/x#y>', b: '${B}', c: ''}\n", ""},
		"no data":        {"apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\n", ""},
		"sealed":         {"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec: {encryptedData: {a: AgB}}\n", ""},
		"external":       {"apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec: {data: [{secretKey: a}]}\n", ""},
		"does not parse": {"{{ kind: Secret", ""},
	} {
		var got []string
		for _, r := range PlainSecrets(File{"f.yaml", []byte(c.doc)}) {
			got = append(got, r.Error())
			if strings.Contains(r.Error()+r.Hint, "hunter2") || strings.Contains(r.Error()+r.Hint, "YQ==") {
				t.Errorf("%s: the value is in the message", name)
			}
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
