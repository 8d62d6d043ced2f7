package render

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sops"
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

// decrypted decodes the documents of an encrypted file.
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
			if found[j].Sealed = isSecret(found[j].Unstructured) && !plain[i].Readable; found[j].Sealed {
				t.seal(found[j])
			}
		}
		t.keepDocument(found, leavesOf(file, doc, plain[i].Sealed))
		objects, problems = append(objects, found...), append(problems, bad...)
		fmt.Fprintf(&content, "%s\n---\n", text)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if !t.asText[file] {
		t.plain[file] = content.Bytes()
	}
	return objects, nil
}

// seal remembers the values of a decrypted Secret.
func (t *tree) seal(o Object) {
	for _, value := range secretValues(o) {
		t.sealed[value] = true
	}
}

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
