package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// The format of SSH signatures is PROTOCOL.sshsig of OpenSSH.
const (
	sshsigMagic   = "SSHSIG"
	sshsigVersion = 1
	gitNamespace  = "git"
)

// sshSignature is what an armored signature holds after its magic.
type sshSignature struct {
	Version       uint32
	PublicKey     []byte
	Namespace     string
	Reserved      string
	HashAlgorithm string
	Signature     []byte
}

// signedData is what the key has signed, after the magic.
type signedData struct {
	Namespace, Reserved, HashAlgorithm string
	Hash                               []byte
}

func (f Files) verifySSH(payload []byte, armored string, at time.Time) (string, error) {
	s, err := parseSSH(armored)
	if err != nil {
		return "", fmt.Errorf("its SSH signature cannot be read: %w", err)
	}
	key, err := ssh.ParsePublicKey(s.PublicKey)
	if err != nil {
		return "", fmt.Errorf("the key of its SSH signature cannot be read: %w", err)
	}
	name := "SSH key " + ssh.FingerprintSHA256(key)
	if _, isCertificate := key.(*ssh.Certificate); isCertificate {
		return "", errors.New("it is signed with an SSH certificate, which is not supported")
	}
	if f.AllowedSigners == "" {
		return "", fmt.Errorf("it is signed by %s, and no allowed signers are given", name)
	}
	if err := s.check(payload, key); err != nil {
		return "", fmt.Errorf("its signature by %s is not good: %w", name, err)
	}
	signers, err := readSigners(f.AllowedSigners)
	if err != nil {
		return "", err
	}
	principal, err := signers.find(key, at)
	if err != nil {
		return "", fmt.Errorf("it is signed by %s, %w", name, err)
	}
	return principal + ", " + name, nil
}

func parseSSH(armored string) (s sshSignature, err error) {
	body, ok := strings.CutPrefix(armored, armorSSH)
	body, end := strings.CutSuffix(body, "-----END SSH SIGNATURE-----")
	if !ok || !end {
		return s, errors.New("its end is missing")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
	if err != nil {
		return s, err
	}
	rest, ok := bytes.CutPrefix(raw, []byte(sshsigMagic))
	if !ok {
		return s, errors.New("it does not begin like an SSH signature")
	}
	if err := ssh.Unmarshal(rest, &s); err != nil {
		return s, err
	}
	if s.Version != sshsigVersion {
		return s, fmt.Errorf("version %d is not known", s.Version)
	}
	return s, nil
}

// check verifies the signature of payload by key, made for Git and nothing else.
func (s sshSignature) check(payload []byte, key ssh.PublicKey) error {
	if s.Namespace != gitNamespace {
		return fmt.Errorf("it was made for %q, not for %q", s.Namespace, gitNamespace)
	}
	var hash []byte
	switch s.HashAlgorithm {
	case "sha256":
		sum := sha256.Sum256(payload)
		hash = sum[:]
	case "sha512":
		sum := sha512.Sum512(payload)
		hash = sum[:]
	default:
		return fmt.Errorf("hash %q is not known", s.HashAlgorithm)
	}
	var sig ssh.Signature
	if err := ssh.Unmarshal(s.Signature, &sig); err != nil {
		return err
	}
	if sig.Format == ssh.KeyAlgoRSA { // SHA-1
		return errors.New("it uses SHA-1")
	}
	data := append([]byte(sshsigMagic), ssh.Marshal(signedData{s.Namespace, s.Reserved, s.HashAlgorithm, hash})...)
	if err := key.Verify(data, &sig); err != nil {
		return errors.New("it does not fit the contents")
	}
	return nil
}
