package main

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"text/template"
)

// krewManifest fills in a template as krew-release-bot does, with digests from a checksums.txt instead of downloads.
func krewManifest(text []byte, version string, sums []byte) ([]byte, error) {
	digests := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		if sum, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			digests[name] = sum
		}
	}
	data := struct{ TagName string }{"v" + version}
	addURIAndSha := func(uri, _ string) (string, error) {
		var out bytes.Buffer
		t, err := template.New("uri").Parse(uri)
		if err != nil {
			return "", err
		}
		if err := t.Execute(&out, data); err != nil {
			return "", err
		}
		sum, ok := digests[path.Base(out.String())]
		if !ok {
			return "", fmt.Errorf("checksums.txt has no %s: build all platforms", path.Base(out.String()))
		}
		return "uri: " + out.String() + "\n    sha256: " + sum, nil
	}
	t, err := template.New("krew").Funcs(template.FuncMap{"addURIAndSha": addURIAndSha}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, data)
	return out.Bytes(), err
}
