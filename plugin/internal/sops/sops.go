// Package sops decrypts what SOPS encrypted for age keys: documents of YAML and JSON, and files of the formats YAML, JSON, dotenv,
// INI and binary, as https://github.com/getsops/sops writes them, with the cipher AES256_GCM and the message authentication code
// over all values.
//
// It does NOT encrypt, open files, or know any other kind of key (PGP, cloud services, Shamir groups).
package sops

import (
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"
)

// Error is a refusal at a line of a document. It never holds a value.
type Error struct {
	Document int // index of the document
	Line     int // in the document, 1-based
	Message  string
	Hint     string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Document is a decrypted document.
type Document struct {
	Value    map[string]any // without the sops key
	Readable bool           // a value below data or stringData was not encrypted
	Sealed   []Leaf         // the values that were encrypted, but for those that are empty
	Chosen   bool           // a rule of the file names what is encrypted; otherwise everything is but for exceptions
	Loose    bool           // the message authentication code leaves out what is not encrypted: anybody can change that
}

// Leaf is a value that was encrypted.
type Leaf struct {
	Path []string // the keys that lead to it; items of lists have none
	Text string
	Line int // in the document, 1-based
}

const metadataKey = "sops"

// Encrypted tells whether a document carries what SOPS needs to decrypt it.
func Encrypted(document *yaml.Node) bool {
	metadata := field(document, metadataKey)
	return field(metadata, "mac") != nil && field(metadata, "lastmodified") != nil
}

// field returns the value of a key of a mapping, or of the mapping in a document.
func field(n *yaml.Node, key string) *yaml.Node {
	if n != nil && n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// MetadataLine returns the line of the sops key in its document, 1 when there is none.
func MetadataLine(document *yaml.Node) int {
	if len(document.Content) == 1 {
		for _, key := range document.Content[0].Content {
			if key.Kind == yaml.ScalarNode && key.Value == metadataKey {
				return key.Line
			}
		}
	}
	return 1
}

// metadata is the part of the sops key that decrypting needs.
type metadata struct {
	Age []struct {
		Encrypted string `yaml:"enc"`
	} `yaml:"age"`
	KeyGroups               []yaml.Node `yaml:"key_groups"`
	LastModified            string      `yaml:"lastmodified"`
	MAC                     string      `yaml:"mac"`
	UnencryptedSuffix       string      `yaml:"unencrypted_suffix"`
	EncryptedSuffix         string      `yaml:"encrypted_suffix"`
	UnencryptedRegex        string      `yaml:"unencrypted_regex"`
	EncryptedRegex          string      `yaml:"encrypted_regex"`
	UnencryptedCommentRegex string      `yaml:"unencrypted_comment_regex"`
	EncryptedCommentRegex   string      `yaml:"encrypted_comment_regex"`
	MACOnlyEncrypted        bool        `yaml:"mac_only_encrypted"`
}

// Decrypt decrypts the documents of one file, which share one key and one message authentication code.
func Decrypt(documents []*yaml.Node, identities []age.Identity) ([]Document, error) {
	if len(documents) == 0 {
		return nil, errors.New("no documents")
	}
	d, err := begin(documents[0], identities)
	if err != nil {
		return nil, err
	}
	return d.documents(documents)
}

// begin reads the block of SOPS in a document and finds the data key.
func begin(document *yaml.Node, identities []age.Identity) (*decryption, error) {
	d := &decryption{hash: sha512.New(), plain: map[*yaml.Node]any{}, comments: map[*yaml.Node]string{}}
	at := field(document, metadataKey)
	if at == nil {
		return nil, &Error{Line: 1, Message: "the first document lacks the sops block that others have", Hint: "encrypt the whole file at once"}
	}
	d.line = MetadataLine(document)
	if err := d.prepare(at, identities); err != nil {
		return nil, err
	}
	if d.MACOnlyEncrypted {
		d.hash.Write(onlyEncrypted[:])
	}
	return d, nil
}

// documents decrypts the documents of a file.
func (d *decryption) documents(documents []*yaml.Node) ([]Document, error) {
	out := make([]Document, len(documents))
	for i, document := range documents {
		d.document, d.readable, d.sealed = i, false, nil
		if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
			return nil, d.refuse(document.Line, "", "an encrypted document is not a mapping")
		}
		value, err := d.mapping(document.Content[0], nil)
		if err != nil {
			return nil, err
		}
		out[i] = Document{Value: value, Readable: d.readable, Sealed: d.sealed, Chosen: !d.rules.encrypted, Loose: d.MACOnlyEncrypted}
	}
	d.document = 0
	return out, d.verify()
}

type decryption struct {
	metadata
	rules    rules
	line     int // of the metadata
	key      []byte
	hash     hash.Hash
	document int
	leaves   int
	depth    int
	readable bool
	open     bool // a value was not encrypted
	sealed   []Leaf
	plain    map[*yaml.Node]any    // what each scalar holds
	comments map[*yaml.Node]string // items of lists that are comments
}

const (
	keyHint   = "decrypt and encrypt it again for a key that the reconciler has: `sops updatekeys`"
	maxLeaves = 1 << 20
	maxDepth  = 1000
)

func (d *decryption) refuse(line int, hint, format string, args ...any) error {
	return &Error{Document: d.document, Line: line, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// prepare reads the metadata and finds the data key.
func (d *decryption) prepare(at *yaml.Node, identities []age.Identity) error {
	if err := at.Decode(&d.metadata); err != nil {
		return d.refuse(d.line, "", "the sops block cannot be read")
	}
	switch {
	case len(d.KeyGroups) > 0:
		return d.refuse(d.line, "use one group of age keys", "key groups of SOPS are not supported")
	case d.UnencryptedCommentRegex != "" || d.EncryptedCommentRegex != "":
		return d.refuse(d.line, "choose by encrypted_regex instead", "choosing by comments what SOPS encrypts is not supported")
	case len(d.Age) == 0:
		return d.refuse(d.line, "add an age key: `sops updatekeys`", "encrypted with SOPS, but not for an age key")
	}
	var err error
	if d.rules, err = compile(d.metadata); err != nil {
		return d.refuse(d.line, "", "the sops block has a regular expression that cannot be used")
	}
	for _, key := range d.Age {
		if d.key, err = dataKey(key.Encrypted, identities); err == nil {
			return nil
		}
	}
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) {
		return d.refuse(d.line, keyHint, "encrypted with SOPS for other age keys than the one that was given")
	}
	return d.refuse(d.line, keyHint, "the data key of the sops block cannot be decrypted")
}

// maxDataKey bounds the decrypted data key, which has 32 bytes.
const maxDataKey = 1 << 10

func dataKey(encrypted string, identities []age.Identity) ([]byte, error) {
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(encrypted)), identities...)
	if err != nil {
		return nil, err
	}
	key, err := io.ReadAll(io.LimitReader(r, maxDataKey))
	if err == nil && len(key) != 32 {
		err = errors.New("not a data key")
	}
	return key, err
}

// rules say which values are encrypted, by their path.
type rules struct {
	encrypted  bool // what a value is that nothing matches
	suffix     string
	expression *regexp.Regexp
	matching   bool // what a value is that something matches
}

func compile(m metadata) (rules, error) {
	var err error
	r := rules{encrypted: true}
	set := 0
	for _, s := range []struct {
		text     string
		regex    bool
		matching bool // what a match means
	}{{m.UnencryptedSuffix, false, false}, {m.EncryptedSuffix, false, true}, {m.UnencryptedRegex, true, false}, {m.EncryptedRegex, true, true}} {
		if s.text == "" {
			continue
		}
		set++
		r = rules{encrypted: !s.matching, matching: s.matching}
		if s.regex {
			r.expression, err = regexp.Compile(s.text)
		} else {
			r.suffix = s.text
		}
	}
	switch {
	case set > 1:
		err = errors.New("more than one rule")
	case set == 0:
		r = rules{encrypted: true, suffix: "_unencrypted"}
	}
	return r, err
}

func (r rules) encrypts(path []string) bool {
	for _, element := range path {
		if r.expression != nil && r.expression.MatchString(element) || r.expression == nil && strings.HasSuffix(element, r.suffix) {
			return r.matching
		}
	}
	return r.encrypted
}

func (d *decryption) mapping(n *yaml.Node, path []string) (map[string]any, error) {
	out := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return nil, d.refuse(key.Line, "", "a key is not a string")
		}
		if path == nil && key.Value == metadataKey {
			continue
		}
		if _, twice := out[key.Value]; twice {
			return nil, d.refuse(key.Line, "", "duplicate key %q", key.Value)
		}
		value, err := d.value(n.Content[i+1], append(slices.Clip(path), key.Value))
		if err != nil {
			return nil, err
		}
		out[key.Value] = value
	}
	return out, nil
}

func (d *decryption) value(n *yaml.Node, path []string) (any, error) {
	if d.leaves++; d.leaves > maxLeaves {
		return nil, d.refuse(n.Line, "", "the file holds more than %d values", maxLeaves)
	}
	if d.depth++; d.depth > maxDepth {
		return nil, d.refuse(n.Line, "", "values are nested more than %d levels deep", maxDepth)
	}
	defer func() { d.depth-- }()
	switch n.Kind {
	case yaml.AliasNode:
		return d.value(n.Alias, path)
	case yaml.MappingNode:
		return d.mapping(n, path)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			if d.isComment(item, path) {
				continue
			}
			value, err := d.value(item, path)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return nil, d.refuse(n.Line, "", "a value cannot be read")
	}
	if value == nil {
		return nil, nil
	}
	return d.leaf(n, value, path)
}

// isComment tells whether an item of a list is an encrypted comment, which SOPS writes as one more item. The code of all values does
// not hold it.
func (d *decryption) isComment(n *yaml.Node, path []string) bool {
	if n.Kind != yaml.ScalarNode || !strings.HasSuffix(n.Value, commentEnd) {
		return false
	}
	text, kind, err := unseal(n.Value, d.key, joined(path))
	if err != nil || kind != "comment" {
		return false
	}
	d.comments[n] = text
	return true
}

// leaf decrypts a scalar and adds it to the message authentication code.
func (d *decryption) leaf(n *yaml.Node, value any, path []string) (any, error) {
	encrypted := d.rules.encrypts(path)
	if encrypted {
		text, ok := value.(string)
		if !ok {
			return nil, d.refuse(n.Line, "encrypt the file again", "%s is not encrypted, and should be", strings.Join(path, "."))
		}
		var err error
		if value, err = open(text, d.key, joined(path)); err != nil {
			return nil, d.refuse(n.Line, "the value or its key was changed after encryption: encrypt the file again", "%s: %v", strings.Join(path, "."), err)
		}
	} else if d.open = true; slices.ContainsFunc(path, func(p string) bool { return p == "data" || p == "stringData" }) {
		d.readable = true
	}
	if encrypted || !d.MACOnlyEncrypted {
		text, err := toBytes(value)
		if err != nil {
			return nil, d.refuse(n.Line, "", "%s: %v", strings.Join(path, "."), err)
		}
		d.hash.Write(text)
		if encrypted && len(text) > 0 {
			d.sealed = append(d.sealed, Leaf{path, string(text), n.Line})
		}
	}
	d.plain[n] = value
	if t, ok := value.(time.Time); ok {
		return t.Format(time.RFC3339Nano), nil
	}
	return value, nil
}

// verify compares the code of all values with the recorded one.
func (d *decryption) verify() error {
	modified, err := time.Parse(time.RFC3339, d.LastModified)
	if err != nil {
		return d.refuse(d.line, "", "lastmodified of the sops block is not a time")
	}
	recorded, err := open(d.MAC, d.key, modified.Format(time.RFC3339))
	text, _ := recorded.(string)
	if err != nil || subtle.ConstantTimeCompare([]byte(text), fmt.Appendf(nil, "%X", d.hash.Sum(nil))) != 1 {
		return d.refuse(d.line, "encrypt the file again with `sops`; edit encrypted files with `sops` only",
			"the message authentication code of SOPS does not fit: the file was changed after encryption")
	}
	return nil
}
