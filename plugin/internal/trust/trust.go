// Package trust tells whose signature a Git commit or tag carries: OpenPGP, or SSH as `git commit -S` makes it with
// gpg.format=ssh. It is pure but for the files that list the keys.
//
// It does NOT run git, gpg or ssh-keygen, look at the author or committer (anybody can write any name there), ask a
// key server, or know certificates, neither those of SSH nor X.509.
package trust

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Files name the keys that are trusted. AllowedSigners is in the format of ssh-keygen(1), Keyring holds OpenPGP public
// keys, armored or not. Each is read whenever a signature is verified, so a changed one is picked up.
type Files struct {
	AllowedSigners, Keyring string
}

// Any tells whether a file is named at all.
func (f Files) Any() bool { return f.AllowedSigners != "" || f.Keyring != "" }

// ErrUnsigned says that there is no signature.
var ErrUnsigned = errors.New("it is not signed")

const (
	armorSSH = "-----BEGIN SSH SIGNATURE-----"
	armorPGP = "-----BEGIN PGP SIGNATURE-----"
	maxFile  = 16 << 20
)

// Verify checks an armored signature of payload that was made at the given time, and returns who signed. Keys that
// were not valid at that time do not count.
func (f Files) Verify(payload []byte, signature string, at time.Time) (signer string, err error) {
	signature = strings.TrimSpace(signature)
	switch {
	case signature == "":
		return "", ErrUnsigned
	case strings.Count(signature, "-----BEGIN ") > 1:
		return "", errors.New("it carries more than one signature")
	case strings.HasPrefix(signature, armorSSH):
		return f.verifySSH(payload, signature, at)
	case strings.HasPrefix(signature, armorPGP):
		return f.verifyPGP(payload, signature, at)
	}
	return "", errors.New("the form of its signature is not known: only OpenPGP and SSH signatures are")
}

func (f Files) verifyPGP(payload []byte, signature string, at time.Time) (string, error) {
	id := keyID(signature)
	if f.Keyring == "" {
		return "", fmt.Errorf("it is signed by OpenPGP key %s, and no keyring is given", id)
	}
	keys, err := readKeyring(f.Keyring)
	if err != nil {
		return "", err
	}
	config := &packet.Config{Time: func() time.Time { return at }}
	entity, err := openpgp.CheckArmoredDetachedSignature(keys, bytes.NewReader(payload), strings.NewReader(signature), config)
	switch {
	case err == nil:
		return describe(entity), nil
	case len(keys.KeysById(keyNumber(signature))) == 0:
		return "", fmt.Errorf("it is signed by OpenPGP key %s, which is not in the keyring", id)
	}
	return "", fmt.Errorf("its signature by OpenPGP key %s is not good: %w", id, err)
}

func readKeyring(name string) (openpgp.EntityList, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	read := openpgp.ReadKeyRing
	if bytes.Contains(data, []byte("-----BEGIN PGP")) {
		read = openpgp.ReadArmoredKeyRing
	}
	keys, err := read(bytes.NewReader(data))
	if err == nil && len(keys) == 0 {
		err = errors.New("it holds no key")
	}
	if err != nil {
		return nil, hint.With(fmt.Errorf("keyring %s: %w", name, err), "export the public keys: gpg --export --armor KEY... > FILE")
	}
	return keys, nil
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	return os.ReadFile(name)
}

func describe(e *openpgp.Entity) string {
	id := fmt.Sprintf("OpenPGP key %016X", e.PrimaryKey.KeyId)
	if identity := e.PrimaryIdentity(); identity != nil {
		return identity.Name + ", " + id
	}
	return id
}

// keyNumber is the id of the key that made an armored signature; 0 when it cannot be read.
func keyNumber(signature string) uint64 {
	block, err := armor.Decode(strings.NewReader(signature))
	if err != nil {
		return 0
	}
	p, err := packet.Read(block.Body)
	if s, ok := p.(*packet.Signature); ok && err == nil && s.IssuerKeyId != nil {
		return *s.IssuerKeyId
	}
	return 0
}

func keyID(signature string) string {
	if n := keyNumber(signature); n != 0 {
		return fmt.Sprintf("%016X", n)
	}
	return "(unreadable)"
}
