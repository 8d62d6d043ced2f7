package render

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sops"
)

const (
	sopsMessage = "the manifest is encrypted with SOPS, and there is no age key to decrypt it"
	sopsHint    = "give the file with the age identity: --age-key-file FILE"
)

// decrypting is what a render decrypts files with, and what it learned by that.
type decrypting struct {
	identities []age.Identity
	keysHint   string                        // the hint when identities cannot decrypt a file; "" for a general one
	sealed     map[string]bool               // values that nobody can read in Git: a Secret made of them is not a plain one
	known      map[string]string             // values that were encrypted, and where: see sealed.go
	encrypted  map[Origin]*encryptedDocument // manifests that SOPS encrypted
	asText     map[string]bool               // files that Kustomize reads as text, by resolved name
}

// decryptFile returns the text of a file, decrypted if SOPS encrypted it, and whether it did. From then on the values are known to
// the render. The file may be of any format that SOPS writes. names are what its content is called where it goes. An error is a
// Problem at a line of the file.
func (d *decrypting) decryptFile(file string, data []byte, names ...string) (text []byte, was bool, err error) {
	if !mayBeEncrypted(data) {
		return data, false, nil
	}
	refuse := func(line int, message, hint string) error {
		return Problem{Origin: Origin{File: file, Line: line}, Message: message, Hint: hint, Elsewhere: true}
	}
	git := data
	if json.Valid(data) {
		data = safeyaml.FromJSON(data)
	}
	format := sops.Detect(data, append(names, path.Base(file))...)
	if format == sops.Plain {
		if looksEncrypted(data) {
			return nil, false, refuse(0, "the file has encrypted values, but no complete block of SOPS", "encrypt the file again with `sops`")
		}
		return git, false, nil
	}
	f, err := sops.DecryptFile(data, format, d.identities)
	var at *sops.Error
	switch {
	case errors.As(err, &at) && len(d.identities) == 0:
		return nil, true, refuse(at.Line, "the file is encrypted with SOPS, and there is no age key to decrypt it", cmp.Or(d.keysHint, sopsHint))
	case at != nil:
		return nil, true, refuse(at.Line, at.Message, cmp.Or(at.Hint, d.keysHint))
	case err != nil:
		return nil, true, refuse(0, err.Error(), "")
	}
	for _, l := range f.Sealed {
		d.hide(l.Text, fmt.Sprintf("%s of %s", strings.Join(l.Path, "."), Origin{File: file, Line: l.Line}))
	}
	if len(f.Sealed) > 0 {
		d.hide(string(f.Text), fmt.Sprintf("the content of %s", Origin{File: file}))
	}
	return f.Text, true, nil
}

// hide makes a value known as one that nobody may see. from says where it comes from.
func (d *decrypting) hide(value, from string) {
	d.sealed[value] = true
	if d.known[value] == "" {
		d.known[value] = from
	}
}

// encryptedDocument is a manifest that SOPS encrypted.
type encryptedDocument struct {
	kinds  map[string]bool // of the objects in it
	secret bool            // one of them is a Secret: its values belong into no other object
	own    *sealed.Values  // those that were encrypted in it; nil when none tells anything
}

// kindKey is how a kind is known whatever version of it is used.
func kindKey(o Object) string { return o.GroupVersionKind().GroupKind().String() }

// keepDocument remembers the objects of a decrypted manifest, and the values that were encrypted in it, each with its place.
func (d *decrypting) keepDocument(objects []Object, values map[string]string) {
	e := &encryptedDocument{kinds: map[string]bool{}, own: sealed.New(values)}
	for _, o := range objects {
		e.kinds[kindKey(o)] = true
		e.secret = e.secret || isSecret(o.Unstructured)
		d.encrypted[o.Origin] = e
	}
	maps.Copy(d.known, values)
}

// ownValues returns the values that SOPS encrypted in the manifest of an object. They may be in that object, whatever its kind: whoever
// encrypted it there wants it there. is reports whether it is such an object. It is false for Secrets, which have rules of their own, and
// for an object that was of another kind in Git.
func (d *decrypting) ownValues(o Object) (own *sealed.Values, is bool) {
	e := d.encrypted[o.Origin]
	if e == nil || e.secret || !e.kinds[kindKey(o)] {
		return nil, false
	}
	return e.own, true
}

// markSealed marks the Secrets of which no value can be read in Git: each is a decrypted value, or holds one.
func (d *decrypting) markSealed(objects []Object) {
	if len(d.sealed) == 0 {
		return
	}
	known := sealed.New(d.known)
	readable := func(value string) bool {
		return value != "" && !d.sealed[value] && !d.sealed[strings.TrimSpace(value)] && !known.In(value)
	}
	for i, o := range objects {
		if !o.Sealed && isSecret(o.Unstructured) {
			objects[i].Sealed = !slices.ContainsFunc(secretValues(o), readable)
		}
	}
}

// secretValues are the values of a Secret that are not generated, decoded.
func secretValues(o Object) []string {
	if len(o.Generated) > 0 {
		o.Unstructured = o.DeepCopy()
		generated.Cut(o.Object, o.Generated)
	}
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
