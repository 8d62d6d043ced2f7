package sops

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

// The files of testdata/files were encrypted by the stores of sops 3.10.2 for testdata/key.txt. Beside each lies what sops itself
// decrypts it to.
func TestDecryptFileAsSOPSDoes(t *testing.T) {
	identities := fixtureKey(t)
	for name, format := range map[string]Format{"app.env": Dotenv, "mac.env": Dotenv, "app.ini": INI, "app.json": JSON, "app.yaml": YAML, "some.yaml": YAML,
		"key.bin": Binary, "text.conf": Binary} {
		t.Run(name, func(t *testing.T) {
			data, want := readFixture(t, name), readFixture(t, name+".plain")
			if got := Detect(data, name); got != format {
				t.Fatalf("format %d, want %d", got, format)
			}
			f, err := DecryptFile(data, format, identities)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(f.Text)); diff != "" {
				t.Errorf("-sops +ours:\n%s", diff)
			}
			if len(f.Sealed) == 0 {
				t.Error("no value was encrypted")
			}
			for _, leaf := range f.Sealed {
				line := bytes.Split(data, []byte("\n"))[leaf.Line-1]
				if name := leaf.Path[len(leaf.Path)-1]; !bytes.Contains(line, []byte("ENC[")) || !strings.Contains(string(line), name) && !slices.Contains([]string{"list", "c"}, name) {
					t.Errorf("line %d does not hold %v", leaf.Line, leaf.Path)
				}
			}
		})
	}
}

func readFixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/files", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Whatever byte of an encrypted value or of a plain one changes, the file is refused, and the error shows no value.
func TestChangedFilesAreRefused(t *testing.T) {
	identities := fixtureKey(t)
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, edits := range map[string][][2]string{
		"app.env":   {{"PORT_unencrypted=5432", "PORT_unencrypted=5433"}, {"PASSWORD=", "PASSWORT="}, {"EMPTY=", "EMPTY=hunter2"}, {"\nPORT_un", "\nMORE_unencrypted=hunter2\nPORT_un"}, {"PASSWORD=ENC[AES256_GCM,", "PASSWORD=hunter2["}, {"EMPTY=", "EMPTY"}},
		"mac.env":   {{"PASSWORD=", "PASSWORT="}, {"sops_mac=ENC[", "sops_mac=ENC[]"}, {"sops_mac_only_encrypted=true", "sops_mac_only_encrypted=false"}},
		"app.ini":   {{"host_unencrypted = db", "host_unencrypted = hunter2"}, {"[database]", "[databass]"}, {"password         =", "passwort         ="}, {"[nothing]", "nothing"}, {"empty            =", "empty            = hunter2"}, {"[other.part]", "[other.part"}},
		"app.json":  {{"\"port_unencrypted\": 5432", "\"port_unencrypted\": 5433"}, {"\"name\":", "\"nome\":"}},
		"app.yaml":  {{"host_unencrypted: db.example.com", "host_unencrypted: db.example.org"}, {"second: ENC[", "third: ENC["}},
		"key.bin":   {{"\"data\": \"ENC[AES256_GCM,data:", "\"data\": \"ENC[AES256_GCM,data:AA"}},
		"some.yaml": {{"replicas: 2", "replicas: 3"}},
	} {
		data := string(readFixture(t, name))
		format := Detect([]byte(data), name)
		for _, edit := range append(edits, [2]string{"", ""}) {
			changed := strings.Replace(data, edit[0], edit[1], 1)
			keys := identities
			if edit[0] == "" {
				keys = []age.Identity{other}
			} else if changed == data {
				t.Errorf("%s: %q is not there", name, edit[0])
			}
			f, err := DecryptFile([]byte(changed), format, keys)
			if err == nil {
				t.Errorf("%s: %q is not noticed:\n%s", name, edit[1], f.Text)
				continue
			}
			var at *Error
			if strings.Contains(err.Error(), "hunter2") || !errors.As(err, &at) || at.Line < 1 {
				t.Errorf("%s: %q: %#v", name, edit[1], err)
			}
		}
	}
}

func TestDetect(t *testing.T) {
	object, binary := readFixture(t, "app.json"), readFixture(t, "text.conf")
	for name, test := range map[string]struct {
		data  []byte
		names []string
		want  Format
	}{
		"plain":                        {[]byte("a: b\n"), nil, Plain},
		"words only":                   {[]byte("about: sops and ENC[\n"), nil, Plain},
		"no YAML":                      {[]byte("sops ENC[ : : {"), nil, Plain},
		"an object under another name": {object, []string{"app.conf"}, JSON},
		"a file":                       {binary, []string{"text.conf"}, Binary},
		"a file called JSON":           {binary, []string{"docker.json"}, JSON},
		"a file that goes elsewhere":   {binary, []string{"docker.json", ".dockerconfigjson"}, Binary},
		"INI under another name":       {readFixture(t, "app.ini"), []string{"my.cnf"}, INI},
		"dotenv under another name":    {readFixture(t, "app.env"), []string{"settings"}, Dotenv},
	} {
		if got := Detect(test.data, test.names...); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// A key of any other kind is named, also where the metadata is flat.
func TestFlatKeyGroups(t *testing.T) {
	text := "A=ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\nsops_key_groups__list_0__map_age__list_0__map_enc=x\nsops_lastmodified=2026-11-25T10:00:00Z\nsops_mac=ENC[\n"
	if _, err := DecryptFile([]byte(text), Dotenv, fixtureKey(t)); err == nil || !strings.Contains(err.Error(), "key groups") {
		t.Error(err)
	}
	text = strings.Replace(text, "key_groups__list_0__map_age__list_0__map_enc", "kms__list_0__map_enc", 1)
	if _, err := DecryptFile([]byte(text), Dotenv, fixtureKey(t)); err == nil || !strings.Contains(err.Error(), "not for an age key") {
		t.Error(err)
	}
}

// What a document itself refers to has no end.
func TestDocumentInItself(t *testing.T) {
	f, id := newFile(), identity(t)
	text := "a: &a\n- *a\n" + f.block(t, id.Recipient(), onlyData)
	_, err := Decrypt(parse(t, text), []age.Identity{id})
	if err == nil || !strings.Contains(err.Error(), "nested") {
		t.Error(err)
	}
}

// Decrypting ends whatever is in the file, with a text or an error at a line.
func FuzzDecryptFile(f *testing.F) {
	files, err := filepath.Glob("testdata/files/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if !strings.HasSuffix(name, ".plain") {
			f.Add(data)
		}
	}
	identities := fixtureKey(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []Format{Detect(data), YAML, JSON, Dotenv, INI, Binary} {
			got, err := DecryptFile(data, format, identities)
			var at *Error
			switch {
			case err == nil && len(got.Sealed) > 0 && len(got.Text) == 0:
				t.Error("no text, and no error")
			case err != nil && !errors.As(err, &at) && format != Plain:
				t.Errorf("%d: %v", format, err)
			}
		}
	})
}
