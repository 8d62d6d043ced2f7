package chart

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/sprig/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// functions replace those of Helm that depend on more than their arguments, and those that can fill the memory by one
// small number. What is random or tells the time gives one result in the first run and another in the second, so that
// every use that matters shows, by whichever way it gets into the output.
func (r *run) functions() map[string]any {
	all := sprig.GenericFuncMap()
	f := map[string]any{}
	maps.Copy(f, r.bounded(all))
	if r.drawing == nil {
		maps.Copy(f, r.random())
		maps.Copy(f, r.certificates())
	} else {
		maps.Copy(f, r.drawing.functions(all, r.note))
	}
	maps.Copy(f, r.times(all))
	// Helm's own gives nothing for text with control characters.
	f["toYaml"] = func(value any) string {
		text, err := safeyaml.YAML(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	f["mustToYaml"] = func(value any) (string, error) {
		text, err := safeyaml.YAML(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	// The order of Go's maps is random. A chart that does not sort would restart its pods at every other pass.
	f["keys"] = func(dicts ...map[string]any) []string {
		keys := []string{}
		for _, dict := range dicts {
			keys = append(keys, slices.Sorted(maps.Keys(dict))...)
		}
		return keys
	}
	f["values"] = func(dict map[string]any) []any {
		values := []any{}
		for _, key := range slices.Sorted(maps.Keys(dict)) {
			values = append(values, dict[key])
		}
		return values
	}
	return f
}

func (r *run) bounded(all map[string]any) map[string]any {
	until, _ := all["until"].(func(int) []int)
	untilStep, _ := all["untilStep"].(func(int, int, int) []int)
	seq, _ := all["seq"].(func(...int) string)
	indent, _ := all["indent"].(func(int, string) string)
	nindent, _ := all["nindent"].(func(int, string) string)
	lines := func(text string) int { return 1 + strings.Count(text, "\n") }
	return map[string]any{
		"repeat": func(count int, text string) (string, error) {
			if count < 0 || len(text) > 0 && count > maxText/len(text) {
				return "", errTooLarge
			}
			return strings.Repeat(text, count), nil
		},
		"until": func(count int) ([]int, error) {
			if !steps(0, count, 1) {
				return nil, errTooLarge
			}
			return until(count), nil
		},
		"untilStep": func(start, stop, step int) ([]int, error) {
			if !steps(start, stop, step) {
				return nil, errTooLarge
			}
			return untilStep(start, stop, step), nil
		},
		"seq": func(params ...int) (string, error) {
			for _, p := range params {
				if !steps(0, p, 1) {
					return "", errTooLarge
				}
			}
			return seq(params...), nil
		},
		"indent": func(spaces int, text string) (string, error) {
			if spaces > maxText/lines(text) {
				return "", errTooLarge
			}
			return indent(spaces, text), nil
		},
		"nindent": func(spaces int, text string) (string, error) {
			if spaces > maxText/lines(text) {
				return "", errTooLarge
			}
			return nindent(spaces, text), nil
		},
	}
}

// steps reports whether a list from start to stop is short enough.
func steps(start, stop, step int) bool {
	if step == 0 {
		return true // the library gives an empty list
	}
	distance := (float64(stop) - float64(start)) / float64(step)
	return distance <= maxList && distance >= -maxList
}

// note remembers that the current template called a function whose result is another one each time.
func (r *run) note(name string) {
	if r.called[r.current] == nil {
		r.called[r.current] = map[string]bool{}
	}
	r.called[r.current][name] = true
}

// pick returns a in the first run and b in the second.
func pick[T any](r *run, name string, a, b T) T {
	r.note(name)
	if r.number == 0 {
		return a
	}
	return b
}

func (r *run) random() map[string]any {
	text := func(name, a, b string) func(int) (string, error) {
		return func(count int) (string, error) {
			if count < 0 || count > maxText {
				return "", errTooLarge
			}
			return strings.Repeat(pick(r, name, a, b), count), nil
		}
	}
	return map[string]any{
		"randAlphaNum": text("randAlphaNum", "a", "b"),
		"randAlpha":    text("randAlpha", "a", "b"),
		"randAscii":    text("randAscii", "a", "b"),
		"randNumeric":  text("randNumeric", "1", "2"),
		"randBytes": func(count int) (string, error) { // base64
			t, err := text("randBytes", "a", "b")(min((count+2)/3*4, maxText+1))
			return t, err
		},
		"randInt": func(low, high int) (int, error) {
			if low >= high {
				return 0, errors.New("invalid argument to randInt")
			}
			return pick(r, "randInt", low, high-1), nil
		},
		"shuffle": func(text string) string {
			runes := []rune(text)
			slices.Sort(runes)
			if r.note("shuffle"); r.number == 1 {
				slices.Reverse(runes)
			}
			return string(runes)
		},
		"uuidv4":     func() string { return pick(r, "uuidv4", fixedUUID+"a", fixedUUID+"b") },
		"bcrypt":     func(string) string { return pick(r, "bcrypt", "$2a$10$a", "$2a$10$b") },
		"htpasswd":   func(user, _ string) string { return user + ":" + pick(r, "htpasswd", "$2a$10$a", "$2a$10$b") },
		"encryptAES": func(_, _ string) (string, error) { return pick(r, "encryptAES", "YQ==", "Yg=="), nil },
	}
}

const fixedUUID = "00000000-0000-4000-8000-00000000000"

// certificate has the fields of what Helm's functions give.
type certificate struct{ Cert, Key string }

func (r *run) certificates() map[string]any {
	give := func(name string) certificate {
		return pick(r, name, certificate{"a certificate", "a key"}, certificate{"another certificate", "another key"})
	}
	// Each checks its arguments by their number only: whatever it gave would not be accepted.
	one := func(name string) func(...any) certificate {
		return func(...any) certificate { return give(name) }
	}
	return map[string]any{
		"genPrivateKey":            func(string) string { return give("genPrivateKey").Key },
		"genCA":                    one("genCA"),
		"genCAWithKey":             one("genCAWithKey"),
		"genSelfSignedCert":        one("genSelfSignedCert"),
		"genSelfSignedCertWithKey": one("genSelfSignedCertWithKey"),
		"genSignedCert":            one("genSignedCert"),
		"genSignedCertWithKey":     one("genSignedCertWithKey"),
	}
}

// times gives the time of the first run as it is, and in the second one that differs in every part of a date.
func (r *run) times(all map[string]any) map[string]any {
	now := func(name string) time.Time {
		t := r.started
		return pick(r, name, t, t.AddDate(7, 5, 9).Add(13*time.Hour+17*time.Minute+29*time.Second))
	}
	dateInZone, _ := all["dateInZone"].(func(string, any, string) string)
	ago, _ := all["ago"].(func(any) string)
	// What is no date stands for now.
	date := func(name string, value any) any {
		switch value.(type) {
		case time.Time, *time.Time, int, int32, int64:
			return value
		}
		return now(name)
	}
	inZone := func(name string) func(string, any, string) string {
		return func(format string, value any, zone string) string { return dateInZone(format, date(name, value), zone) }
	}
	const day = "2006-01-02"
	return map[string]any{
		"now":            func() time.Time { return now("now") },
		"date":           func(format string, value any) string { return dateInZone(format, date("date", value), "Local") },
		"dateInZone":     inZone("dateInZone"),
		"date_in_zone":   inZone("date_in_zone"),
		"htmlDate":       func(value any) string { return dateInZone(day, date("htmlDate", value), "Local") },
		"htmlDateInZone": func(value any, zone string) string { return dateInZone(day, date("htmlDateInZone", value), zone) },
		"ago": func(value any) string {
			if r.note("ago"); r.number == 1 {
				return ago(time.Unix(0, 0))
			}
			return ago(value)
		},
	}
}

// usage finds the first line that calls one of the functions: in the template itself, or in any other.
func (c *Chart) usage(name string, functions []string) (file string, line int) {
	if line := callLine(c.source(name), functions); line > 0 {
		return c.from[name], line
	}
	for _, other := range slices.Sorted(maps.Keys(c.from)) {
		if line := callLine(c.source(other), functions); line > 0 && strings.HasPrefix(baseName(other), "_") {
			return c.from[other], line
		}
	}
	return c.from[name], 0
}

func baseName(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// callLine returns the first line of a template with an action that holds one of the words, 0 when none does.
func callLine(text string, words []string) int {
	number := 0
	for line := range strings.Lines(text) {
		if number++; !strings.Contains(line, "{{") {
			continue
		}
		for _, word := range strings.FieldsFunc(line, func(c rune) bool {
			return !(c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
		}) {
			if slices.Contains(words, word) {
				return number
			}
		}
	}
	return 0
}
