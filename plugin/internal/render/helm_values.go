package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// readValues merges the values files, those of ConfigMaps and Secrets, those of the app itself, and then single values.
func (h *helmRender) readValues() (map[string]any, error) {
	values := map[string]any{}
	for _, name := range h.helm.Values {
		data, err := h.readValuesFile(name)
		if err != nil {
			if err = h.refuse(err); err != nil {
				return nil, err
			}
			continue
		}
		read, err := loader.LoadValues(bytes.NewReader(data))
		if err != nil { // not its text: it may quote a value
			h.problems = append(h.problems, Problem{Origin: Origin{File: h.valuesPath(name)}, Message: "the values are not a mapping"})
			continue
		}
		values = loader.MergeMaps(values, read)
	}
	given := givenValues{h}
	given.merge(values)
	if err := h.addInline(values); err != nil {
		return nil, err
	}
	given.set(values)
	for _, key := range slices.Sorted(maps.Keys(h.helm.Set)) {
		if err := setValue(values, key, h.helm.Set[key]); err != nil {
			h.problems = append(h.problems, Problem{Origin: h.settingsAt(),
				Message: fmt.Sprintf("set %s: %v", key, err), Hint: "paths are as in `helm --set`: image.tag, list[0].name, a dot in a key as \\."})
		}
	}
	return values, nil
}

// valuesPath returns the name of a values file from the root of the repository.
func (h *helmRender) valuesPath(name string) string {
	if h.options.ValuesFiles[name] != nil {
		return name
	}
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		return path.Clean(rest)
	}
	return path.Join(h.dir, name)
}

func (h *helmRender) readValuesFile(name string) ([]byte, error) {
	at := h.settingsAt()
	if data := h.options.ValuesFiles[name]; data != nil {
		return h.takeValues(name, data)
	}
	full := h.valuesPath(name)
	if isRemote(name) {
		return nil, Problem{Origin: at, Message: fmt.Sprintf("remote values file %q: only files of the repository are read", redactURL(name)),
			Hint: "copy the file into the repository"}
	}
	if full == ".." || strings.HasPrefix(full, "../") {
		return nil, Problem{Origin: at, Message: fmt.Sprintf("values file %q leaves the repository", name), Hint: "only files of the repository are read"}
	}
	if h.named != nil && !path.IsAbs(name) {
		return h.named.values(h, name)
	}
	data, err := h.readFile(full)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		if why := h.whyAbsent(full); why != nil {
			return nil, why
		}
		return nil, Problem{Origin: Origin{File: full}, Message: "the values file does not exist",
			Hint: "values files are named from the chart's directory, or from the repository's root with a leading slash; " + h.near(full)}
	}
	if err != nil {
		return nil, err
	}
	return h.takeValues(full, data)
}

// takeValues accepts the content of a values file.
func (h *helmRender) takeValues(full string, data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(data, utf8BOM)
	text, err := h.decryptValues(full, data)
	if err != nil {
		return nil, err
	}
	before := len(h.problems)
	if h.parses(full, text, true); len(h.problems) > before {
		return nil, nil
	}
	h.values = append(h.values, valuesFile{name: full, data: data}) // as it is in Git, for its lines
	return text, nil
}

// decryptValues returns the text of values, decrypted if SOPS encrypted them. From then on the render hides them.
func (h *helmRender) decryptValues(file string, data []byte) ([]byte, error) {
	text, was, err := h.decryptFile(file, data, path.Base(file))
	h.encrypted = h.encrypted || was
	return text, err
}

// settingsAt is where messages about settings of the chart point.
func (h *helmRender) settingsAt() Origin {
	if h.named != nil {
		return h.options.Chart.Origin
	}
	return Origin{File: path.Join(h.dir, "Chart.yaml")}
}

// addInline merges the values that the app itself gives.
func (h *helmRender) addInline(values map[string]any) error {
	in := h.helm.Inline
	if in == nil {
		return nil
	}
	read, err := loader.LoadValues(strings.NewReader(in.YAML))
	if err != nil {
		return h.refuse(Problem{Origin: in.Origin, Message: "the values are not a mapping"})
	}
	maps.Copy(values, loader.MergeMaps(values, read))
	h.values = append(h.values, valuesFile{in.Origin.File, []byte(in.YAML), in.Origin.Line})
	return nil
}

// setValue sets one scalar at a path.
func setValue(values map[string]any, key string, value any) error {
	if strings.ContainsAny(key, "=,\n") || strings.TrimSpace(key) == "" {
		return errors.New("not a path")
	}
	switch v := value.(type) {
	case string:
		text := strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(v)
		if strings.HasPrefix(text, "{") {
			text = `\` + text
		}
		return strvals.ParseIntoString(key+"="+text, values)
	case nil:
		return strvals.ParseInto(key+"=null", values)
	case bool:
		return strvals.ParseInto(key+"="+strconv.FormatBool(v), values)
	case int:
		return strvals.ParseInto(key+"="+strconv.Itoa(v), values)
	case int64:
		return strvals.ParseInto(key+"="+strconv.FormatInt(v, 10), values)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 { // a whole number that went through JSON
			return strvals.ParseInto(key+"="+strconv.FormatInt(int64(v), 10), values)
		}
		return strvals.ParseJSON(key+"="+strconv.FormatFloat(v, 'g', -1, 64), values)
	}
	return fmt.Errorf("the value is %s, not a scalar", kindOf(value))
}

// invalidValue finds the file and line that gave a value which the schema refuses: the last one that sets it.
func (h *helmRender) invalidValue(e *chart.ValuesError) Problem {
	at := "/" + strings.Join(e.Path, "/")
	p := Problem{Origin: Origin{File: e.Schema}, Message: fmt.Sprintf("value %s: %s", at, e.Message), Hint: e.Schema + " says what is allowed"}
	for depth := len(e.Path); depth > 0; depth-- {
		for _, f := range slices.Backward(h.values) {
			if line := lineOfPath(f.data, e.Path[:depth]); line > 0 {
				p.Origin = Origin{File: f.name, Line: line}
				if f.line > 0 {
					p.Origin.Line += f.line - 1
				}
				return p
			}
		}
	}
	return p
}

// lineOfPath returns the line of the key at a path in the first document, 0 when it is not there.
func lineOfPath(data []byte, keys []string) int {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil || len(document.Content) == 0 {
		return 0
	}
	node, line := document.Content[0], 0
	for _, key := range keys {
		next := (*yaml.Node)(nil)
		switch node.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == key {
					next, line = node.Content[i+1], node.Content[i].Line
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(node.Content) {
				next = node.Content[i]
				line = next.Line
			}
		}
		if next == nil {
			return 0
		}
		node = next
	}
	return line
}
