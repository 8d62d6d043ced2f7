package gitopsyaml

import (
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/yamlerror"
)

const (
	// maxBytes bounds the file: 500 apps with all settings are a fifth of it.
	maxBytes = 1 << 20
	// maxValues bounds what its aliases stand for.
	maxValues = 200_000
	maxDepth  = 50
)

// decoder turns YAML into Go values and keeps what is wrong, and the line of every value.
type decoder struct {
	file     string
	problems manifest.Problems
	lines    map[string]int // by place: apps[0].path
	values   int
	blocks   []string // places of texts that begin below their line, after | or >
}

func (d *decoder) refuse(line int, hint, format string, args ...any) {
	d.problems = append(d.problems, manifest.Problem{Origin: manifest.Origin{File: d.file, Line: line},
		Message: fmt.Sprintf(format, args...), Hint: hint})
}

// at refuses the value at a place.
func (d *decoder) at(place, hint, format string, args ...any) {
	line, known := d.lines[place]
	for !known && place != "" {
		place = place[:max(strings.LastIndexAny(place, ".["), 0)]
		line, known = d.lines[place]
	}
	d.refuse(line, hint, format, args...)
}

var errTooMuch = errors.New("too much")

// yamlError is how yaml/v3 words an error: "yaml: line 3: what".
var yamlError = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// parse reads the one document of data.
func (d *decoder) parse(data []byte) (root *yaml.Node) {
	defer func() {
		if r := recover(); r != nil { // the parser has a few left for hostile input
			d.refuse(0, "", "is not readable as YAML")
			root = nil
		}
	}()
	if len(data) > maxBytes {
		d.refuse(0, "use globs, or split the repository", "the file is larger than %d MiB", maxBytes>>20)
		return nil
	}
	in := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	switch err := in.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && doc.Kind == 0:
		d.refuse(0, "it starts with apiVersion: "+APIVersion, "the file is empty")
		return nil
	case err != nil:
		line, text := 0, err.Error()
		if m := yamlError.FindStringSubmatch(text); m != nil {
			line, _ = strconv.Atoi(m[1])
			text = m[2]
		}
		w := yamlerror.Explain(data, line, text)
		d.refuse(w.Line, w.Hint, "%s", w.Message)
		return nil
	}
	if err := in.Decode(&more); !errors.Is(err, io.EOF) {
		d.refuse(more.Line, "put all apps into one list", "the file holds more than one document")
		return nil
	}
	if at := mappingAsKey(doc.Content[0]); at > 0 {
		w := yamlerror.Key(data, at)
		d.refuse(w.Line, w.Hint, "%s", w.Message)
		return nil
	}
	return doc.Content[0]
}

// mappingAsKey is the line of the first key that is a mapping, as {{ makes one; 0 when there is none.
func mappingAsKey(n *yaml.Node) int {
	for i, inner := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && inner.Kind == yaml.MappingNode {
			return inner.Line
		}
		if at := mappingAsKey(inner); at > 0 {
			return at
		}
	}
	return 0
}

// decode fills into, a pointer, and returns false when the rest is not worth looking at.
func (d *decoder) decode(n *yaml.Node, into any) bool {
	err := d.value(n, reflect.ValueOf(into).Elem(), "", 0)
	if err != nil {
		d.problems = nil // their number is no news
		d.refuse(n.Line, "use no aliases, or split the repository", "the file has more than %d values with its aliases written out", maxValues)
	}
	return err == nil
}

func (d *decoder) value(n *yaml.Node, v reflect.Value, place string, depth int) error {
	if d.values++; d.values > maxValues || depth > maxDepth {
		return errTooMuch
	}
	line := n.Line
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.lines[place] = line
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		d.duration(n, v, line)
	case v.Type() == reflect.TypeFor[Values]():
		return d.anyValues(n, v, place, line)
	case v.Type() == reflect.TypeFor[Wait]():
		return d.wait(n, v, place, line, depth)
	case v.Kind() == reflect.Struct:
		return d.mapping(n, v, place, depth)
	case v.Kind() == reflect.Map:
		return d.texts(n, v, place, depth)
	case v.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.refuse(line, "write each element on a line of its own, after -", "%s is %s, not a list", last(place), kindOf(n))
			delete(d.lines, place) // that it holds nothing is no second mistake
			return nil
		}
		for i, item := range n.Content {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			if err := d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", place, i), depth+1); err != nil {
				return err
			}
		}
	default:
		d.scalar(n, v, place, line)
	}
	return nil
}

// mapping decodes into a struct, by its tags.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, place string, depth int) error {
	if n.Kind != yaml.MappingNode {
		d.at(place, "", "%s is %s, not a mapping", last(place), kindOf(n))
		return nil
	}
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		fields[name] = i
		names = append(names, name)
	}
	seen := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		field, known := fields[name]
		switch first, twice := seen[name]; {
		case key.Kind != yaml.ScalarNode || name == "<<" && key.Tag == "!!merge":
			d.refuse(key.Line, "write the keys out", "%s: only plain keys are read", last(place))
		case twice:
			d.refuse(key.Line, "keep one of the two", "%s is given twice, first in line %d", name, first)
		case !known:
			d.refuse(key.Line, near.DidYouMean(name, names), "unknown key %q in %s", name, last(place))
		default:
			seen[name] = key.Line
			if isNull(value) {
				d.refuse(value.Line, "give it a value, or leave the key out", "%s has no value", name)
				continue
			}
			if err := d.value(value, v.Field(field), join(place, name), depth+1); err != nil {
				return err
			}
			switch f := v.Field(field); {
			case f.Kind() != reflect.String:
			case strings.TrimSpace(f.String()) == "" && value.Kind == yaml.ScalarNode && strings.TrimSpace(value.Value) == "" && v.Type().Field(field).Tag.Get("required") != "":
				d.refuse(value.Line, "", "%s is empty", name)
			case f.String() != "":
				d.enum(v.Type().Field(field).Tag.Get("enum"), f.String(), name, value.Line)
			}
		}
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); f.Tag.Get("required") != "" && seen[name] == 0 {
			d.at(place, "", "%s has no %s", last(place), name)
		}
	}
	return nil
}

func (d *decoder) enum(allowed, value, name string, line int) {
	words := strings.Split(allowed, ",")
	if allowed != "" && !slices.Contains(words, value) {
		d.refuse(line, near.DidYouMean(value, words), "%s: %q is not known", name, value)
	}
}

// texts decodes into a map whose values are strings, or any scalar.
func (d *decoder) texts(n *yaml.Node, v reflect.Value, place string, depth int) error {
	if n.Kind != yaml.MappingNode {
		d.at(place, "", "%s is %s, not a mapping", last(place), kindOf(n))
		return nil
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.refuse(key.Line, "", "%s: only plain keys are read", last(place))
			continue
		}
		if v.MapIndex(reflect.ValueOf(key.Value)).IsValid() {
			d.refuse(key.Line, "keep one of the two", "%s is given twice in %s", key.Value, last(place))
		}
		element := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(value, element, join(place, key.Value), depth+1); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	}
	return nil
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value, line int) {
	t, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || t <= 0 {
		d.refuse(line, "write a number with its unit, such as 90s, 5m or 1h", "%q is not a duration above zero", n.Value)
		return
	}
	v.SetInt(int64(t))
}

// anyValues keeps a mapping as text, for Helm to read as it reads values files.
func (d *decoder) anyValues(n *yaml.Node, v reflect.Value, place string, line int) error {
	if n.Kind != yaml.MappingNode {
		d.refuse(line, "write values as in a values file", "%s is %s, not a mapping", last(place), kindOf(n))
		return nil
	}
	if d.count(n, 0); d.values > maxValues {
		return errTooMuch
	}
	text, err := yaml.Marshal(written(n))
	if err != nil {
		d.refuse(line, "", "%s cannot be written as YAML", last(place))
		return nil
	}
	v.Set(reflect.ValueOf(Values{string(text), n.Line}))
	return nil
}

// written returns a node with what its aliases stand for in their place.
func written(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	copied := *n
	copied.Anchor, copied.Content = "", nil
	for _, inner := range n.Content {
		copied.Content = append(copied.Content, written(inner))
	}
	return &copied
}

// count adds the values below a node, aliases written out.
func (d *decoder) count(n *yaml.Node, depth int) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if d.values++; d.values > maxValues || depth > maxDepth {
		d.values = maxValues + 1
		return
	}
	for _, inner := range n.Content {
		d.count(inner, depth+1)
	}
}

// wait decodes a boolean or a list of objects.
func (d *decoder) wait(n *yaml.Node, v reflect.Value, place string, line, depth int) error {
	var w Wait
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool":
		w.all = strings.EqualFold(n.Value, "true")
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
		if err := d.value(n, reflect.ValueOf(&w.objects).Elem(), place, depth+1); err != nil {
			return err
		}
	default:
		d.refuse(line, "", "%s is %s, not true, false or a list of objects", last(place), kindOf(n))
	}
	v.Set(reflect.ValueOf(w))
	return nil
}

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// scalar decodes a string, bool or whole number. A string must be one in YAML too: 1.10 and yes are not what they seem.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, place string, line int) {
	if n.Kind != yaml.ScalarNode {
		d.refuse(line, "", "%s is %s, not one value", last(place), kindOf(n))
		return
	}
	var number int64
	if n.ShortTag() == "!!int" && decimal.MatchString(n.Value) {
		number, _ = strconv.ParseInt(n.Value, 10, 64)
	}
	isNumber := n.ShortTag() == "!!int" && strconv.FormatInt(number, 10) == n.Value
	switch v.Kind() {
	case reflect.String:
		if n.ShortTag() != "!!str" {
			d.refuse(line, "put the value in quotes", "%s is %s, not a string", last(place), kindOf(n))
			return
		}
		v.SetString(n.Value)
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			d.blocks = append(d.blocks, place)
		}
	case reflect.Bool:
		if n.ShortTag() != "!!bool" {
			d.refuse(line, "write true or false", "%s is %s, not true or false", last(place), kindOf(n))
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int:
		if !isNumber || number > math.MaxInt32 || number < 0 {
			d.refuse(line, "", "%s: %q is not a whole number from 0 on", last(place), n.Value)
			return
		}
		v.SetInt(number)
	case reflect.Interface:
		switch {
		case n.ShortTag() == "!!str":
			v.Set(reflect.ValueOf(n.Value))
		case n.ShortTag() == "!!bool":
			v.Set(reflect.ValueOf(strings.EqualFold(n.Value, "true")))
		case isNumber:
			v.Set(reflect.ValueOf(number))
		default:
			d.refuse(line, "put the value in quotes", "%s: %s reads as %s, which may not be what is meant", last(place), n.Value, kindOf(n))
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!bool":
		return "a boolean"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "a string"
}

func join(place, name string) string {
	if place == "" {
		return name
	}
	return place + "." + name
}

// last is how a place is called in a sentence.
func last(place string) string {
	if place == "" {
		return "the file"
	}
	if name, index, ok := strings.Cut(place, "["); ok && !strings.ContainsAny(index, ".[") {
		if name == "apps" {
			return "the app"
		}
		return "an element of " + name
	}
	name := place[strings.LastIndexByte(place, '.')+1:]
	if bare, _, ok := strings.Cut(name, "["); ok {
		return "an element of " + bare
	}
	return name
}
