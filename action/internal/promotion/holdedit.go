package promotion

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// The file of holds is edited like all other files: lines are added or taken out, and all other bytes stay. The result is read
// again, and must have the entries that it should have and no others.

const holdsHead = `# Versions that were rolled back. bump and promote do not set a version again while it has an entry here.
# operation: rollback with the release input removes an entry.
apiVersion: ` + apiVersion + `
kind: Holds
holds:
`

var (
	plainHoldRE  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*$`)
	errHoldsEdit = errors.New("the form of the file cannot be edited safely; write each entry on its own lines")
)

// lines returns the entry as lines of the file.
func (h Hold) lines(indent string) []string {
	var out []string
	for _, f := range [][2]string{{"image", h.Image}, {"tag", h.Tag}, {"digest", h.Digest}, {"path", h.Path}, {"reason", h.Reason}, {"by", h.By}, {"since", h.Since}} {
		if f[1] == "" {
			continue
		}
		value := display.OneLine(f[1])
		if !plainHoldRE.MatchString(value) || (f[0] != "image" && f[0] != "path") {
			quoted, err := json.Marshal(value) // also a double-quoted scalar of YAML
			if err != nil {
				continue
			}
			value = string(quoted)
		}
		lead := "  "
		if len(out) == 0 {
			lead = "- "
		}
		out = append(out, indent+lead+f[0]+": "+value)
	}
	return out
}

// EditHolds takes some holds out of the file and adds others. data is nil when there is no file. It fails when the file is written
// in a way that cannot be edited line by line.
func EditHolds(data []byte, drop func(Hold) bool, more []Hold) ([]byte, error) {
	if data == nil {
		if len(more) == 0 {
			return nil, nil
		}
		var lines []string
		for _, h := range more {
			lines = append(lines, h.lines("")...)
		}
		return []byte(holdsHead + strings.Join(lines, "\n") + "\n"), nil
	}
	have, err := ParseHolds(data)
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", HoldsPath, err)
	}
	list := mappingValue(root.Content[0], "holds")
	if list == nil {
		return nil, fmt.Errorf("%s: %w", HoldsPath, errHoldsEdit)
	}
	want := append(slices.DeleteFunc(slices.Clone(have), drop), more...)
	text := spliceHolds(strings.SplitAfter(string(data), "\n"), list, have, drop, more)
	if got, err := ParseHolds([]byte(text)); err != nil || !slices.EqualFunc(got, want, Hold.Equal) {
		return nil, fmt.Errorf("%s: %w", HoldsPath, errHoldsEdit)
	}
	return []byte(text), nil
}

// spliceHolds makes the edit on lines. It may be wrong: the caller checks the result.
func spliceHolds(lines []string, list *yaml.Node, have []Hold, drop func(Hold) bool, more []Hold) string {
	at := min(list.Line, len(lines)) // the parser knows more line breaks than Git
	indent, last, kept := "", at, 0
	for i, item := range list.Content {
		if i == 0 {
			indent = strings.Repeat(" ", max(item.Column-3, 0))
		}
		end := lastLine(item)
		last = max(last, end)
		if !drop(have[i]) {
			kept++
			continue
		}
		for n := item.Line; n <= end && n <= len(lines); n++ {
			lines[n-1] = ""
		}
	}
	if kept == 0 && len(list.Content) > 0 && len(more) == 0 { // the list is empty now
		for n := at; n > 0; n-- {
			if strings.HasPrefix(lines[n-1], "holds:") {
				lines[n-1] = "holds: []\n"
				break
			}
		}
	}
	if len(more) == 0 {
		return strings.Join(lines, "")
	}
	if len(list.Content) == 0 {
		lines[at-1] = strings.Replace(lines[at-1], " []", "", 1)
	}
	var added []string
	for _, h := range more {
		added = append(added, h.lines(indent)...)
	}
	before := strings.Join(lines[:min(last, len(lines))], "")
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += "\n"
	}
	return before + strings.Join(added, "\n") + "\n" + strings.Join(lines[min(last, len(lines)):], "")
}

// lastLine returns the last line of a value.
func lastLine(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content {
		line = max(line, lastLine(c))
	}
	return line
}

// Equal says whether two entries say the same, wherever they are.
func (h Hold) Equal(other Hold) bool {
	h.line, other.line = 0, 0
	return h == other
}

// ChangeHolds makes the change of a rollback to the file of holds, which is nil when there is none. The rollback takes versions
// away (bad): they are held from now on if keep is set. It brings versions back (back): holds of them are taken out. It returns the
// new file, nil when nothing changes, and a note for each change.
func ChangeHolds(file []byte, bad []Hold, back []bumper.Edit, keep bool) ([]byte, []string, error) {
	var have []Hold
	if file != nil {
		var err error
		if have, err = ParseHolds(file); err != nil {
			return nil, nil, err
		}
	}
	var notes []string
	drop := func(h Hold) bool {
		return slices.ContainsFunc(back, func(e bumper.Edit) bool { return h.Stops(e.After, e.File) })
	}
	for _, h := range have {
		if drop(h) {
			notes = append(notes, "released, because this rollback sets it again: "+h.String())
		}
	}
	var more []Hold
	for _, h := range bad {
		same := func(o Hold) bool {
			return o.Image == h.Image && o.Tag == h.Tag && o.Digest == h.Digest && o.Path == h.Path
		}
		if keep && !slices.ContainsFunc(have, same) && !slices.ContainsFunc(more, same) {
			more = append(more, h)
		}
	}
	if len(more) == 0 && len(notes) == 0 {
		return nil, nil, nil
	}
	data, err := EditHolds(file, drop, more)
	for _, h := range more {
		notes = append(notes, "held from now on: "+h.String())
	}
	return data, notes, err
}
