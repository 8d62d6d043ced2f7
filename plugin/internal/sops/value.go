package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// onlyEncrypted begins the code of a file of which only the encrypted values are in it, so that it differs from the one
// over all values. SOPS defines it.
var onlyEncrypted = [32]byte{0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
	0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69}

var sealed = regexp.MustCompile(`^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]$`)

// open decrypts one value. path is authenticated with it.
func open(text string, key []byte, path string) (any, error) {
	if text == "" {
		return "", nil
	}
	plain, kind, err := unseal(text, key, path)
	if err != nil {
		return nil, err
	}
	return typed(plain, kind)
}

// unseal decrypts the text of one value, and says which type it had.
func unseal(text string, key []byte, path string) (plain, kind string, err error) {
	m := sealed.FindStringSubmatch(text)
	if m == nil {
		return "", "", errors.New("the value is not encrypted, and should be")
	}
	var parts [3][]byte
	for i := range parts {
		if parts[i], err = base64.StdEncoding.DecodeString(m[i+1]); err != nil {
			return "", "", errors.New("the encrypted value is damaged")
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", "", err
	}
	if len(parts[1]) == 0 || len(parts[1]) > 1<<10 {
		return "", "", errors.New("the encrypted value is damaged")
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(parts[1]))
	if err != nil {
		return "", "", err
	}
	out, err := gcm.Open(nil, parts[1], append(parts[0], parts[2]...), []byte(path))
	if err != nil {
		return "", "", errors.New("the value cannot be decrypted")
	}
	return string(out), m[4], nil
}

func typed(text, kind string) (value any, err error) {
	switch kind {
	case "str", "bytes":
		return text, nil
	case "int":
		value, err = strconv.Atoi(text)
	case "float":
		value, err = strconv.ParseFloat(text, 64)
	case "bool":
		value, err = strconv.ParseBool(text)
	case "time":
		var t time.Time
		err = t.UnmarshalText([]byte(text))
		value = t
	default:
		err = errors.New("unknown")
	}
	if err != nil {
		return nil, errors.New("the value has an unknown type") // the cause would quote it
	}
	return value, nil
}

// toBytes is how a value enters the message authentication code.
func toBytes(value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return []byte(v), nil
	case int:
		return []byte(strconv.Itoa(v)), nil
	case float64:
		return strconv.AppendFloat(nil, v, 'f', -1, 64), nil
	case bool:
		if v {
			return []byte("True"), nil
		}
		return []byte("False"), nil
	case time.Time:
		return v.MarshalText()
	}
	return nil, errors.New("the value is neither text nor a number nor a boolean")
}

// joined is the form of a path that is authenticated with a value.
func joined(path []string) string { return strings.Join(path, ":") + ":" }

// commentEnd ends an encrypted comment.
const commentEnd = ",type:comment]"
