package sops

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"
)

// file is a file encrypted by hand, as SOPS does it: each {{type path value}} is an encrypted value, and in all, in
// order, enters the code.
type file struct {
	key  []byte
	hash []byte
}

func (f *file) enc(path, kind, plain string) string {
	f.hash = append(f.hash, plain...)
	return seal(f.key, path, kind, plain)
}

func (f *file) plain(text string) string {
	f.hash = append(f.hash, text...)
	return text
}

func seal(key []byte, path, kind, plain string) string {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, 32)
	if err != nil {
		panic(err)
	}
	iv := make([]byte, 32)
	rand.Read(iv)
	out := gcm.Seal(nil, iv, []byte(plain), []byte(path))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:%s]", b64(out[:len(out)-16]), b64(iv), b64(out[len(out)-16:]), kind)
}

const modified = "2026-11-25T10:00:00Z"

func (f *file) block(t *testing.T, to age.Recipient, rules string) string {
	t.Helper()
	var text bytes.Buffer
	a := armor.NewWriter(&text)
	w, err := age.Encrypt(a, to)
	if err == nil {
		_, err = w.Write(f.key)
	}
	if err == nil {
		err = errors.Join(w.Close(), a.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	mac := seal(f.key, modified, "str", fmt.Sprintf("%X", sha512.Sum512(f.hash)))
	return "sops:\n  age:\n  - recipient: x\n    enc: |\n      " + strings.ReplaceAll(strings.TrimSpace(text.String()), "\n", "\n      ") +
		"\n  lastmodified: \"" + modified + "\"\n  mac: " + mac + "\n" + rules
}

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newFile() *file {
	f := &file{key: make([]byte, 32)}
	rand.Read(f.key)
	return f
}

func parse(t *testing.T, text string) []*yaml.Node {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	return []*yaml.Node{&n}
}

func secret(f *file) string {
	return "kind: " + f.plain("Secret") + "\n" +
		"stringData:\n" +
		"  password: " + f.enc("stringData:password:", "str", "hunter2") + "\n" +
		"  empty: \"" + f.plain("") + "\"\n" +
		"  list:\n  - " + f.enc("stringData:list:", "int", "5") + "\n  - " + f.enc("stringData:list:", "bool", "True") + "\n" +
		"  ratio: " + f.enc("stringData:ratio:", "float", "0.5") + "\n"
}

const onlyData = "  encrypted_regex: ^(data|stringData)$\n"

func TestDecrypt(t *testing.T) {
	f, id := newFile(), identity(t)
	text := secret(f)
	text += f.block(t, id.Recipient(), onlyData)
	docs, err := Decrypt(parse(t, text), []age.Identity{identity(t), id})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"kind": "Secret", "stringData": map[string]any{"password": "hunter2", "empty": "", "list": []any{5, true}, "ratio": 0.5}}
	if !reflect.DeepEqual(docs[0].Value, want) || docs[0].Readable {
		t.Errorf("%v, readable %v", docs[0].Value, docs[0].Readable)
	}
}

func TestRefusals(t *testing.T) {
	id := identity(t)
	for name, tt := range map[string]struct {
		edit func(f *file, text string) string
		want string
		line int
	}{
		"another key": {func(f *file, text string) string { return text + f.block(t, identity(t).Recipient(), onlyData) }, "for other age keys", 9},
		"a changed value": {func(f *file, text string) string {
			return strings.Replace(text, "data:", "data:AAAA", 1) + f.block(t, id.Recipient(), onlyData)
		}, "cannot be decrypted", 3},
		"a moved value": {func(f *file, text string) string {
			return strings.Replace(text, "password:", "passw0rd:", 1) + f.block(t, id.Recipient(), onlyData)
		}, "passw0rd: the value cannot be decrypted", 3},
		"a plain value": {func(f *file, text string) string {
			return text + "data: {a: hunter2}\n" + f.block(t, id.Recipient(), onlyData)
		}, "data.a: the value is not encrypted", 9},
		"a plain number": {func(f *file, text string) string {
			return text + "data: {a: 5}\n" + f.block(t, id.Recipient(), onlyData)
		}, "data.a is not encrypted", 9},
		"another kind": {func(f *file, text string) string {
			return strings.Replace(text, "Secret", "ConfigMap", 1) + f.block(t, id.Recipient(), onlyData)
		}, "authentication code", 9},
		"a removed value": {func(f *file, text string) string {
			return strings.Replace(text, "  ratio: ", "  #", 1) + f.block(t, id.Recipient(), onlyData)
		}, "authentication code", 9},
		"no age key": {func(_ *file, text string) string { return text + "sops: {mac: x, lastmodified: y, pgp: [{fp: x}]}\n" }, "not for an age key", 9},
		"groups": {func(_ *file, text string) string {
			return text + "sops: {mac: x, lastmodified: y, key_groups: [{age: []}]}\n"
		}, "key groups", 9},
		"two rules": {func(f *file, text string) string {
			return text + f.block(t, id.Recipient(), onlyData+"  encrypted_suffix: x\n")
		}, "expression", 9},
		"comments": {func(f *file, text string) string {
			return text + f.block(t, id.Recipient(), "  encrypted_comment_regex: x\n")
		}, "comments", 9},
		"a value twice": {func(f *file, text string) string { return text + "kind: x\n" + f.block(t, id.Recipient(), onlyData) }, "", 0},
		"another time": {func(f *file, text string) string {
			return text + strings.Replace(f.block(t, id.Recipient(), onlyData), "10:00:00", "10:00:01", 1)
		}, "authentication code", 9},
		"a foreign datakey": {func(f *file, text string) string {
			other := newFile()
			other.hash = f.hash
			return text + other.block(t, id.Recipient(), onlyData)
		}, "cannot be decrypted", 3},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile()
			text := tt.edit(f, secret(f))
			var n yaml.Node
			if err := yaml.Unmarshal([]byte(text), &n); err != nil {
				t.Fatal(err)
			}
			_, err := Decrypt([]*yaml.Node{&n}, []age.Identity{id})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v", err)
			}
			var at *Error
			if errors.As(err, &at) && tt.line > 0 && at.Line != tt.line {
				t.Errorf("line %d, want %d", at.Line, tt.line)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("shown: %v", err)
			}
		})
	}
}

// What is not encrypted below data is told, so that a Secret cannot be made readable under cover of the block.
func TestReadableValuesAreTold(t *testing.T) {
	f, id := newFile(), identity(t)
	text := secret(f) + "data: {a: " + f.plain("hunter2") + "}\n"
	text += f.block(t, id.Recipient(), "  encrypted_regex: ^stringData$\n")
	docs, err := Decrypt(parse(t, text), []age.Identity{id})
	if err != nil || !docs[0].Readable {
		t.Errorf("%v, %v", docs, err)
	}
}

func TestOnlyEncryptedValuesInTheCode(t *testing.T) {
	f, id := newFile(), identity(t)
	f.hash = onlyEncrypted[:]
	text := "kind: Secret\nstringData:\n  password: " + f.enc("stringData:password:", "str", "hunter2") + "\n"
	text += f.block(t, id.Recipient(), onlyData+"  mac_only_encrypted: true\n")
	if _, err := Decrypt(parse(t, text), []age.Identity{id}); err != nil {
		t.Error(err)
	}
}
