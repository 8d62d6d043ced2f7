package display

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

func TestText(t *testing.T) {
	long := strings.Repeat("ä", 400)
	for got, want := range map[string]string{
		OneLine(" a\r\nb\u202ec\u2028d\x00e\xff ") + "!":                   "a  b c d e!",
		Log("::error::x\n##[group]y\nplain"):                               " : :error::x\n  ## [group]y\n  plain",
		Plain("<b> @ada #1 https://x www.y"):                               "&#60;b&#62; &#64;ada &#35;1 https:<!-- -->//x www<!-- -->.y",
		Code("api:1.8.2"):                                                  "`api:1.8.2`",
		Code("a`b|c"):                                                      "<code>a&#96;b&#124;c</code>",
		Code(""):                                                           "(empty)",
		Codes([]string{"a", "b"}):                                          "`a`, `b`",
		Shorten("abc", 3) + Shorten("abcd", 3):                             "abcab…",
		Count(1, "edit") + Count(0, "edit"):                                "1 edit0 edits",
		ShortName("ghcr.io/acme/api") + ShortName("nginx"):                 "apinginx",
		SHA("0123456789") + SHA("01"):                                      "012345601",
		Version(bumper.Image{Tag: "1", Digest: "sha256:x"}):                "1",
		Version(bumper.Image{Digest: "sha256:" + strings.Repeat("a", 64)}): "sha256:aaaaaaaaaaaa",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := Code(long); !strings.Contains(got, "…") || strings.Count(got, "ä") != 299 {
		t.Errorf("a long value is cut to %d", strings.Count(got, "ä"))
	}
}
