package render

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const maxErrorText = 300

var (
	recursed   = regexp.MustCompile(`recursed (?:accumulation of|merging from) path '([^']*)': `)
	noise      = regexp.MustCompile(`^(accumulating (resources|components)|accumulateDirectory|merging resources from '[^']*'|loader\.New): `)
	dumps      = regexp.MustCompile(`(?s)&?\{.*\}|\[[^\]]{60,}\]`)
	configs    = regexp.MustCompile("(?s) with config: `.*`: ")
	patchText  = regexp.MustCompile(`(?s)\[patch: ".*"\]`)
	component  = regexp.MustCompile(`accumulateDirectory: (".*")`)
	registered = regexp.MustCompile(`already registered id: ([A-Za-z0-9]+)\.[^/]*/([^'\s:]+)\.[^.'\s:]+`)
	generator  = regexp.MustCompile(`(?s)merging from generator .*id resid\.ResId\{.*Name:"([^"]*)".*behavior must be`)
	mergedInto = regexp.MustCompile(`(?s)merging from generator .*id resid\.ResId\{.*Name:"([^"]*)".*does not exist; cannot`)
)

// shorten makes one line of an error of the library: the kustomization it is about, and the innermost cause. Dumps of
// values are cut out and values of Secrets masked.
func (s *survey) shorten(top *kustomization, err error) error {
	text := s.realNames(err.Error())
	file := top.file
	if top.generated {
		file = top.dir
	}
	for m := component.FindStringSubmatch(text); m != nil; m = component.FindStringSubmatch(text) {
		inner, err := strconv.Unquote(m[1])
		if err != nil {
			break
		}
		text = inner
	}
	if m := registered.FindStringSubmatch(text); m != nil {
		return s.registeredTwice(top, m[1], m[2])
	}
	if all := recursed.FindAllStringSubmatchIndex(text, -1); all != nil {
		last := all[len(all)-1]
		if dir, err := unmounted(text[last[2]:last[3]]); err == nil {
			if all := s.visited[dir]; len(all) > 0 {
				file = all[0].file
			}
		}
		text = text[last[1]:]
	}
	if m := generator.FindStringSubmatch(text); m != nil {
		return Problem{Origin: Origin{File: file}, Message: fmt.Sprintf("generates %q twice", m[1]), Hint: "keep one, or give the second behavior: merge or replace"}
	}
	if m := mergedInto.FindStringSubmatch(text); m != nil {
		return Problem{Origin: Origin{File: file}, Message: fmt.Sprintf("a generator merges into or replaces %q, which does not exist", m[1]), Hint: "remove its behavior"}
	}
	text = configs.ReplaceAllString(text, ": ")
	text = patchText.ReplaceAllString(text, "the inline patch")
	text = dumps.ReplaceAllString(text, "...")
	for noise.MatchString(text) {
		text = noise.ReplaceAllString(text, "")
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = s.mask(strings.ReplaceAll(strings.ReplaceAll(text, mountPoint+"/", ""), `\"`, `"`))
	if message, hint, ok := inWords(text); ok {
		return Problem{Origin: Origin{File: file}, Message: message, Hint: hint}
	}
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "..."
	}
	return Problem{Origin: Origin{File: file}, Message: "kustomize: " + text}
}

// registeredTwice names the manifests behind "may not add resource with an already registered id".
func (s *survey) registeredTwice(top *kustomization, kind, name string) error {
	var at []Origin
	for _, objects := range s.docs {
		for _, o := range objects {
			if o.GetKind() == kind && o.GetName() == name {
				at = append(at, o.Origin)
			}
		}
	}
	p := Problem{Origin: Origin{File: top.file}, Object: kind + "/" + name, Message: "defined twice in the kustomization or its bases", Hint: "keep one of the two"}
	if len(at) == 1 {
		p.Message = "included twice: it comes from " + at[0].String()
	}
	if len(at) > 1 {
		first, second := at[0], at[1]
		if second.String() < first.String() {
			first, second = second, first
		}
		p.Origin, p.Message = second, "defined twice: also at "+first.String()
	}
	return p
}

// keep remembers a value that no error may show.
func (s *survey) keep(value string) {
	if len(value) >= 3 {
		s.secrets = append(s.secrets, value)
	}
}

func (s *survey) keepSecret(o Object) {
	if !isSecret(o.Unstructured) {
		return
	}
	for _, field := range []string{"data", "stringData"} {
		values, _ := o.Object[field].(map[string]any)
		for _, value := range values {
			text, _ := value.(string)
			s.keep(text)
			if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
				s.keep(string(plain))
			}
		}
	}
}

func (s *survey) mask(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, masked)
	}
	return text
}
