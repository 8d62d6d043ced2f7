package trust

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The signatures in testdata were made by ssh-keygen -Y sign and gpg --detach-sign.
var committed = time.Date(2026, 11, 25, 9, 46, 40, 0, time.UTC)

func file(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// allowed writes an allowed signers file, in which KEY:name stands for a public key.
func allowed(t testing.TB, lines string) string {
	t.Helper()
	for _, key := range []string{"ed25519", "rsa", "ecdsa"} {
		lines = strings.ReplaceAll(lines, "KEY:"+key, strings.TrimSpace(file(t, key+".pub")))
	}
	name := filepath.Join(t.TempDir(), "allowed")
	if err := os.WriteFile(name, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestVerify(t *testing.T) {
	payload := file(t, "payload")
	const all = "# who may\n\nada@example.com KEY:ed25519\nada@example.com,*@ops.example.com namespaces=\"git\" KEY:rsa\n\"ada lovelace\" KEY:ecdsa\n"
	for name, tt := range map[string]struct {
		signers, keyring, signature string
		payload                     string
		at                          time.Time
		signer, err                 string
	}{
		"ed25519":          {signers: all, signature: "ed25519.sig", signer: "ada@example.com, SSH key SHA256:"},
		"sha256":           {signers: all, signature: "ed25519-sha256.sig", signer: "ada@example.com, SSH key SHA256:"},
		"rsa":              {signers: all, signature: "rsa.sig", signer: "ada@example.com,*@ops.example.com, SSH key SHA256:"},
		"ecdsa":            {signers: all, signature: "ecdsa.sig", signer: "ada lovelace, SSH key SHA256:"},
		"other contents":   {signers: all, signature: "ed25519.sig", payload: payload + "x", err: "is not good: it does not fit the contents"},
		"unlisted":         {signers: "ada KEY:rsa\n", signature: "ed25519.sig", err: "which is not among the allowed signers"},
		"made for a file":  {signers: all, signature: "ed25519-file.sig", err: `it was made for "file", not for "git"`},
		"not for Git":      {signers: "ada namespaces=\"file,email\" KEY:ed25519\n", signature: "ed25519.sig", err: "which is not allowed to sign for Git"},
		"by a pattern":     {signers: "ada namespaces=\"g*,file\" KEY:ed25519\n", signature: "ed25519.sig", signer: "ada, "},
		"valid":            {signers: "ada valid-after=\"20261101Z\",valid-before=\"202612310000Z\" KEY:ed25519\n", signature: "ed25519.sig", signer: "ada, "},
		"not yet":          {signers: "ada valid-after=\"20261201Z\" KEY:ed25519\n", signature: "ed25519.sig", err: "which was not valid yet"},
		"not any more":     {signers: "ada valid-before=\"20261125094640Z\" KEY:ed25519\n", signature: "ed25519.sig", err: "which was not valid any more"},
		"renewed":          {signers: "ada valid-before=\"20251125Z\" KEY:ed25519\nada2 KEY:ed25519\n", signature: "ed25519.sig", signer: "ada2, "},
		"no signers given": {keyring: "grace.asc", signature: "ed25519.sig", err: "and no allowed signers are given"},
		"an authority":     {signers: "ada cert-authority KEY:ed25519\n", signature: "ed25519.sig", err: "allowed:1: certificate authorities are not supported"},
		"an odd option":    {signers: "ada KEY:rsa\nada no-touch KEY:ed25519\n", signature: "ed25519.sig", err: `allowed:2: option "no-touch" is not known`},
		"an odd time":      {signers: "ada valid-after=\"2026\" KEY:ed25519\n", signature: "ed25519.sig", err: `"2026" is not a time`},
		"no key":           {signers: "ada\n", signature: "ed25519.sig", err: "allowed:1: only one field"},
		"an empty file":    {signers: "# nobody\n", signature: "ed25519.sig", err: "lists no key"},
		"openpgp, armored": {keyring: "grace.asc", signature: "grace.sig", signer: "Grace Hopper <grace@example.com>, OpenPGP key "},
		"openpgp, binary":  {keyring: "grace.gpg", signature: "grace.sig", signer: "Grace Hopper <grace@example.com>, OpenPGP key "},
		"openpgp, other":   {keyring: "mallory.asc", signature: "grace.sig", err: ", which is not in the keyring"},
		"openpgp, changed": {keyring: "grace.asc", signature: "grace.sig", payload: payload + "x", err: "is not good: openpgp: "},
		"openpgp, expired": {keyring: "grace.asc", signature: "grace.sig", at: committed.AddDate(3, 0, 0), err: "is not good: openpgp: key expired"},
		"no keyring given": {signers: all, signature: "grace.sig", err: "and no keyring is given"},
		"not a keyring":    {keyring: "payload", signature: "grace.sig", err: "keyring testdata/payload: "},
	} {
		t.Run(name, func(t *testing.T) {
			var f Files
			if tt.signers != "" {
				f.AllowedSigners = allowed(t, tt.signers)
			}
			if tt.keyring != "" {
				f.Keyring = filepath.Join("testdata", tt.keyring)
			}
			contents, at := payload, committed
			if tt.payload != "" {
				contents = tt.payload
			}
			if !tt.at.IsZero() {
				at = tt.at
			}
			signer, err := f.Verify([]byte(contents), file(t, tt.signature), at)
			switch {
			case tt.err == "" && (err != nil || !strings.HasPrefix(signer, tt.signer)):
				t.Errorf("%q, %v", signer, err)
			case tt.err != "" && (err == nil || signer != "" || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("%q, %v, want %s", signer, err, tt.err)
			}
		})
	}
}

func TestOddSignatures(t *testing.T) {
	f := Files{AllowedSigners: allowed(t, "ada KEY:ed25519\n"), Keyring: "testdata/grace.asc"}
	ssh := file(t, "ed25519.sig")
	for signature, want := range map[string]string{
		"":                         ErrUnsigned.Error(),
		" \n":                      ErrUnsigned.Error(),
		ssh + ssh:                  "more than one signature",
		ssh + file(t, "grace.sig"): "more than one signature",
		ssh[:120]:                  "cannot be read",
		armorSSH + "\n!\n-----END SSH SIGNATURE-----":                          "cannot be read",
		armorSSH + "\nAAAA\n-----END SSH SIGNATURE-----":                       "it does not begin like an SSH signature",
		armorPGP + "\n\nAAAA\n-----END PGP SIGNATURE-----":                     "not",
		"-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n": "the form of its signature is not known",
	} {
		if signer, err := f.Verify([]byte(file(t, "payload")), signature, committed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %q, %v", signature, signer, err)
		}
	}
	if _, err := f.Verify(nil, "", committed); !errors.Is(err, ErrUnsigned) {
		t.Error(err)
	}
}

func FuzzVerify(f *testing.F) {
	files := Files{AllowedSigners: allowed(f, "ada KEY:ed25519\nada KEY:rsa\n"), Keyring: "testdata/grace.asc"}
	for _, name := range []string{"ed25519.sig", "rsa.sig", "grace.sig", "ed25519-file.sig"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, signature string) {
		signer, err := files.Verify([]byte("another payload"), signature, committed)
		if err == nil {
			t.Errorf("%q is trusted: %s", signature, signer)
		}
	})
}
