package placeholder

import (
	"strings"
	"testing"
)

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

func TestFieldPlaceholders(t *testing.T) {
	tests := []struct {
		name, data string
		want       string // part of what is said; "" for a file that holds its content
	}{
		{"P14 pointer of Git LFS", pointer, "a Git LFS pointer"},
		{"P14 pointer with CRLF", strings.ReplaceAll(pointer, "\n", "\r\n"), "a Git LFS pointer"},
		{"P14 pointer with a byte order mark", "\xef\xbb\xbf" + pointer, "a Git LFS pointer"},
		{"P14 pointer of the first version", strings.Replace(pointer, "git-lfs.github.com", "hawser.github.com", 1), "a Git LFS pointer"},
		{"P14 pointer with an extension", strings.Replace(pointer, "\noid", "\next-0-foo sha256:00\noid", 1), "a Git LFS pointer"},
		{"P14 git-crypt", "\x00GITCRYPT\x00\x01\x02\x03", "encrypted with git-crypt"},
		{"P14 large git-crypt", "\x00GITCRYPT\x00" + strings.Repeat("x", 5000), "encrypted with git-crypt"},
		{"P14 git-annex", "/annex/objects/SHA256E-s3--2c26b46b.bin\n", "a git-annex pointer"},
		{"Habits missing blob", string(Missing(strings.Repeat("a", 40))), "missing in this clone"},
		{"P14 text about LFS", "the first line of a pointer is\n" + pointer, ""},
		{"P14 a long text that begins like one", pointer + strings.Repeat("more\n", 300), ""},
		{"P14 the word", "GITCRYPT", ""},
		{"P14 nothing", "", ""},
		{"P14 text about annex", "/annex/objects/x\nis a path\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, found := Of([]byte(tt.data))
			if found != (tt.want != "") || !strings.Contains(kind.What, tt.want) {
				t.Errorf("found %v: %q", found, kind.What)
			}
			if found && kind.Hint == "" {
				t.Error("no hint")
			}
		})
	}
}
