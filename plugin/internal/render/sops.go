package render

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sops"
)

const (
	sopsMessage = "the manifest is encrypted with SOPS, and there is no age key to decrypt it"
	sopsHint    = "give the file with the age identity: --age-key-file FILE"
)

// identities reads the keys. Its error shows none of them.
func (k KeyFile) identities() ([]age.Identity, error) {
	if k == "" {
		return nil, nil
	}
	identities, err := age.ParseIdentities(strings.NewReader(string(k)))
	if err != nil {
		return nil, errors.New("the file of the age key holds no usable identity: lines that begin with AGE-SECRET-KEY- are expected")
	}
	return identities, nil
}

// manifests decodes a file, and decrypts it if SOPS encrypted it.
func (t *tree) manifests(file string, data []byte) ([]Object, Problems) {
	docs, nodes := encryptedDocuments(data)
	if docs == nil {
		return decodeFile(file, data, t.limits)
	}
	refuse := func(doc document, line int, message, hint string) ([]Object, Problems) {
		return nil, Problems{{Origin: Origin{File: file, Line: doc.start + max(line, 1) - 1}, Message: message, Hint: hint, Elsewhere: true}}
	}
	if len(t.identities) == 0 {
		return refuse(docs[0], sops.MetadataLine(nodes[0]), sopsMessage, cmp.Or(t.keysHint, sopsHint))
	}
	plain, err := sops.Decrypt(nodes, t.identities)
	var at *sops.Error
	if errors.As(err, &at) {
		return refuse(docs[at.Document], at.Line, at.Message, cmp.Or(at.Hint, t.keysHint))
	} else if err != nil {
		return refuse(docs[0], 0, err.Error(), "")
	}
	return t.decrypted(file, docs, plain)
}

// decrypted decodes the documents of an encrypted file. Others than Secrets are accepted only if the app says that values may
// stand there.
func (t *tree) decrypted(file string, docs []document, plain []sops.Document) ([]Object, Problems) {
	var objects []Object
	var problems Problems
	var content bytes.Buffer
	for i, doc := range docs {
		text, err := safeyaml.JSON(plain[i].Value)
		if err != nil {
			return nil, Problems{{Origin: Origin{File: file, Line: doc.line}, Message: "the decrypted document cannot be written as JSON"}}
		}
		doc.text, doc.json = text, true
		found, bad := decodeDocuments(file, []document{doc}, t.limits)
		for j := range found {
			t.encrypted[found[j].Origin] = true
			if !isSecret(found[j].Unstructured) {
				if !slices.ContainsFunc(t.mayHold, func(r ObjectRule) bool { return r.IsKind(found[j]) }) {
					bad = append(bad, Problem{Origin: found[j].Origin, Message: fmt.Sprintf("a %s is encrypted with SOPS: only Secrets are decrypted", found[j].GetKind()),
						Hint: "anyone who can read such an object sees its values: move them to a Secret; " + ruleHint(found[j])})
				}
				continue
			}
			if found[j].Sealed = !plain[i].Readable; found[j].Sealed {
				t.seal(found[j])
			}
		}
		t.keepLeaves(file, doc, plain[i].Sealed)
		objects, problems = append(objects, found...), append(problems, bad...)
		fmt.Fprintf(&content, "%s\n---\n", text)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	t.plain[file] = content.Bytes()
	return objects, nil
}

// seal remembers the values of a decrypted Secret.
func (t *tree) seal(o Object) {
	for _, value := range secretValues(o) {
		t.sealed[value] = true
	}
}

// isSealed reports whether all values of a Secret come from decrypted ones.
func (t *tree) isSealed(o Object) bool {
	if len(t.sealed) == 0 || !isSecret(o.Unstructured) {
		return false
	}
	for _, value := range secretValues(o) {
		if !t.sealed[value] {
			return false
		}
	}
	return true
}

// secretValues are the values of a Secret, decoded.
func secretValues(o Object) []string {
	var all []string
	for _, name := range []string{"data", "stringData"} {
		values, _ := o.Object[name].(map[string]any)
		for _, value := range values {
			text, _ := value.(string)
			if plain, err := base64.StdEncoding.DecodeString(text); err == nil && name == "data" {
				text = string(plain)
			}
			all = append(all, text)
		}
	}
	return all
}

const encryptedValue = "ENC[AES256_GCM,data:"

// looksEncrypted recognises a file of any form that SOPS encrypted.
func looksEncrypted(data []byte) bool {
	return bytes.Contains(data, []byte(encryptedValue)) && bytes.Contains(data, []byte("sops"))
}

func mayBeEncrypted(data []byte) bool { return bytes.Contains(data, []byte("sops")) }

// encryptedDocuments returns the documents of a file that SOPS encrypted, nil for any other.
func encryptedDocuments(data []byte) ([]document, []*yaml.Node) {
	if !mayBeEncrypted(data) {
		return nil, nil
	}
	docs, problem := documents("", data)
	if problem != nil {
		return nil, nil
	}
	encrypted := false
	nodes := make([]*yaml.Node, len(docs))
	for i, doc := range docs {
		nodes[i] = &yaml.Node{}
		if err := yaml.Unmarshal(doc.text, nodes[i]); err != nil {
			return nil, nil // decoding it says what is wrong
		}
		encrypted = encrypted || sops.Encrypted(nodes[i])
	}
	if !encrypted {
		return nil, nil
	}
	return docs, nodes
}
