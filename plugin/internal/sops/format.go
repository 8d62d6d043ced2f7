package sops

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Format is a form in which SOPS writes encrypted files.
type Format int

// The formats. Plain is a file that SOPS did not encrypt.
const (
	Plain Format = iota
	YAML
	JSON
	Dotenv
	INI
	Binary // any file, as JSON with the keys data and sops
)

var (
	dotenvBlock = regexp.MustCompile(`(?m)^sops_mac=ENC\[`)
	iniBlock    = regexp.MustCompile(`(?m)^\[sops\]\s*$`)
	iniMAC      = regexp.MustCompile(`(?m)^mac\s*=\s*ENC\[`)
)

// Detect tells in which format SOPS encrypted a file. names are those that it has, as a file and where its content goes: the
// content is what a file of any kind held, unless all of them say that it is JSON or YAML.
func Detect(data []byte, names ...string) Format {
	if !bytes.Contains(data, []byte("sops")) || !bytes.Contains(data, []byte("ENC[")) {
		return Plain
	}
	switch {
	case dotenvBlock.Match(data):
		return Dotenv
	case iniBlock.Match(data) && iniMAC.Match(data):
		return INI
	}
	documents, err := parseDocuments(data)
	if err != nil || !slices.ContainsFunc(documents, Encrypted) {
		return Plain
	}
	if !json.Valid(data) {
		return YAML
	}
	structured := !slices.ContainsFunc(names, func(name string) bool { return !hasFields(name) })
	if content := field(documents[0], "data"); content == nil || content.Kind != yaml.ScalarNode || len(documents[0].Content[0].Content) != 4 || structured {
		return JSON
	}
	return Binary
}

// hasFields tells whether a name says that a file is JSON or YAML.
func hasFields(name string) bool {
	return slices.ContainsFunc([]string{".json", ".yaml", ".yml"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// File is a decrypted file.
type File struct {
	Text   []byte           // as `sops --decrypt` writes it
	Values []map[string]any // the documents of YAML or JSON, without the block of SOPS; nil for other formats
	Sealed []Leaf           // the values that were encrypted, but for those that are empty; lines are those of the file
	Open   bool             // a value was not encrypted
}

// parseDocuments reads the documents of YAML, or of JSON without escapes that YAML lacks.
func parseDocuments(data []byte) ([]*yaml.Node, error) {
	var documents []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		n := &yaml.Node{}
		if err := decoder.Decode(n); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		documents = append(documents, n)
	}
}
