package gitopsyaml

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

func TestSourcesRead(t *testing.T) {
	apps, _, err := Load(checkout(t, head+`- name: base
  source: {git: "https://git.example/base", ref: v1.2.0}
  path: deploy
- name: all
  source: {git: "git@git.example:acme/base.git"}
- name: web
  sources:
  - chart: {repo: "https://charts.example", name: web, version: 1.x}
    helm: {values: [$config/prod/web.yaml, $here/web.yaml]}
  - {git: "ssh://git@git.example/config", as: config}
  - {path: infra, as: here}
`, "infra"), ".")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range apps {
		raw, err := json.Marshal([]any{a.Path, a.Source, a.Sources})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.ReplaceAll(string(raw), `"Release":"","Values":null,"Set":null`, "..."))
	}
	want := `["deploy",{"Git":"https://git.example/base","OCI":"","Ref":"v1.2.0"},null]
[".",{"Git":"git@git.example:acme/base.git","OCI":""},null]
["",null,[{"Chart":{"Repo":"https://charts.example","Name":"web","Version":"1.x"},"Helm":{"Release":"","Values":["$config/prod/web.yaml","$here/web.yaml"],"Set":null}},` +
		`{"As":"config","Source":{"Git":"ssh://git@git.example/config","OCI":""},"Helm":{...}},{"As":"here","Path":"infra","Helm":{...}}]]`
	if strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if at := apps[2].Sources[0].Chart.Origin.String(); at != "gitops.yaml:11" {
		t.Errorf("the chart is at %s", at)
	}
}

func TestSourcesRefused(t *testing.T) {
	for entry, want := range map[string]string{
		"source: {ref: v1}":                                                                   "gitops.yaml:4: the source has neither git nor oci; write git: and the address of a Git repository, or oci: and that of an artifact",
		"source: {git: /srv/base}":                                                            `gitops.yaml:4: "/srv/base" is not the address of a Git repository; write https:// or ssh:// and the address; a directory of this repository needs no source`,
		"source: {git: 'file:///srv/base'}":                                                   `gitops.yaml:4: "file:///srv/base" is not the address of a Git repository; write https:// or ssh:// and the address; a directory of this repository needs no source`,
		"source: {git: 'https://me:pa55@git.example/x'}":                                      "gitops.yaml:4: the address of the repository holds a user or a password; leave it out: credentials are given to the instance",
		"source: {git: 'https://git.example/x'}, path: ../x":                                  "gitops.yaml:4: path ../x leaves the repository; give a directory from the repository's root",
		"source: {git: 'https://git.example/x'}, path: '*'":                                   "gitops.yaml:4: path *: wildcards match only directories of this repository; list its directories one by one",
		"source: {git: 'https://git.example/x'}, sources: [{path: infra}]":                    "gitops.yaml:4: the app has a source besides a chart or sources; a source is where path is: leave it out, or list several sources",
		"source: {oci: 'oci://r.example/x:1.0.0'}":                                            `gitops.yaml:4: "oci://r.example/x:1.0.0" is not the address of an artifact; write oci://HOST/PATH; a tag or digest belongs into ref`,
		"source: {oci: 'oci://r.example/x', git: 'https://git.example/x'}":                    "gitops.yaml:4: a source has both git and oci; keep one of the two",
		"source: {git: 'https://git.example/x', layer: x/y}":                                  "gitops.yaml:4: a Git repository has no layers; leave it out",
		"sources: [{as: a}]":                                                                  "gitops.yaml:4: none of the sources is rendered; give one of them a path or a chart",
		"sources: [{}]":                                                                       "gitops.yaml:4: the source has neither git nor chart nor path; write git: and the address of a Git repository, chart:, or path: for a directory of this repository\ngitops.yaml:4: none of the sources is rendered; give one of them a path or a chart",
		"sources: [{path: infro}]":                                                            "gitops.yaml:4: path infro is not a directory of the repository; did you mean infra?",
		"sources: [{path: infra}, {git: 'https://git.example/x'}]":                            "gitops.yaml:4: the source is neither rendered nor named; give it a path, or a name with as",
		"sources: [{path: infra, as: a}, {git: 'https://git.example/x', as: a}]":              "gitops.yaml:4: two sources are called a, the other in line 4; rename one of the two",
		"sources: [{path: infra, as: a/b}]":                                                   `gitops.yaml:4: "a/b" cannot be the name of a source; use letters, digits, - and _`,
		"sources: [{path: infra, helm: {values: [$config/x.yaml]}}, {as: conf}]":              "gitops.yaml:4: values file $config/x.yaml: $config is not a source of the app; did you mean conf?",
		"sources: [{path: infra, helm: {values: [$conf]}}, {as: conf}]":                       "gitops.yaml:4: values file $conf names no file; write $conf/ and the path of a file",
		"path: infra, helm: {values: [$config/x.yaml]}":                                       "gitops.yaml:4: values file $config/x.yaml: $config is not a source of the app; name a source of this app with as: config",
		"sources: [{path: infra}], helm: {release: x}":                                        "gitops.yaml:4: an app with sources has no helm of its own; write helm into the source that has the chart",
		"sources: [{chart: {repo: 'https://x.example', name: x, version: '1'}, path: infra}]": "gitops.yaml:4: a source has a chart besides path; write a source of its own for the chart",
	} {
		_, _, err := Load(checkout(t, head+"- {name: a, "+entry+"}\n", "infra"), ".")
		var got []string
		if err != nil {
			hints := hint.Of(err)
			for i, line := range strings.Split(err.Error(), "\n") {
				got = append(got, line+"; "+hints[min(i, len(hints)-1)])
			}
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%s\ngot  %s\nwant %s", entry, strings.Join(got, "\n"), want)
		}
	}
}

func TestAddressesThatHoldALogin(t *testing.T) {
	for address, want := range map[string]bool{
		"":                                 false,
		"https://git.example/x":            false,
		"https://git.example:8443/x@y":     false,
		"https://[::1]:8443/x":             false,
		"https://[::1]/x":                  false,
		"ssh://git@git.example/x":          false,
		"ssh://git@git.example:22/x":       false,
		"git@git.example:x":                false,
		"oci://registry.example/x@sha256:": false,
		"https://me@git.example/x":         true,
		"https://me:pa55@git.example/x":    true,
		"https://me:pa/55@git.example/x":   true,
		"ssh://me:pa55@git.example/x":      true,
		"me:pa55@git.example:x":            true,
		"oci://me:pa55@registry.example/x": true,
	} {
		if got := holdsLogin(address); got != want {
			t.Errorf("%q: %t", address, got)
		}
	}
	for _, entry := range []string{"chart: {repo: 'https://me:pa55@a.example', name: a, version: 1.0.0}", "chart: {repo: 'oci://me:pa/55@a.example', name: a, version: 1.0.0}",
		"source: {oci: 'oci://me:pa55@a.example/x'}\n  path: a", "source: {git: 'me:pa55@a.example:x'}\n  path: a", "sources: [{git: 'https://me:pa/55@a.example', path: a}]"} {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := root.WriteFile(Name, []byte(head+"- name: a\n  "+entry+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err = Load(root, ".")
		if err == nil || !strings.Contains(err.Error(), "holds a user or a password") || strings.Contains(err.Error(), "55") {
			t.Errorf("%s: %v", entry, err)
		}
	}
}
