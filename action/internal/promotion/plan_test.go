package promotion

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// TestPlans promotes in each repository of testdata/plan as the lines above its files say, and compares what is printed with the
// file want: go test ./action/internal/promotion -run Plans -update.
//
//	promote [from=NAME] [to=NAME,NAME] [only=IMAGE] [also=FILE:PATH] [downgrade]
//	repeat from=NAME to=NAME PART IMAGE...
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no plans", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var tree Tree
			want, have := -1, ""
			for i, f := range a.Files {
				if f.Name == "want" {
					want = i
					continue
				}
				switch ext := path.Ext(f.Name); {
				case f.Name == FilePath:
					if tree.File, err = Parse(f.Data); err != nil {
						t.Fatal(err)
					}
				case f.Name == HoldsPath:
					if tree.Holds, err = ParseHolds(f.Data); err != nil {
						t.Fatal(err)
					}
				case ext == ".yaml" || ext == ".yml":
					tree.Files = append(tree.Files, bumper.File{Path: f.Name, Data: f.Data})
				}
			}
			tree.Beside = tree.Files
			for line := range strings.Lines(string(a.Comment)) {
				if strings.HasPrefix(line, "promote") || strings.HasPrefix(line, "repeat") {
					have += "> " + line + printed(tree, strings.Fields(line))
				}
			}
			if want < 0 {
				want = len(a.Files)
				a.Files = append(a.Files, txtar.File{Name: "want"})
			}
			if string(a.Files[want].Data) == have {
				return
			}
			if !*update {
				t.Fatalf("printed:\n%s\nwant:\n%s", have, a.Files[want].Data)
			}
			a.Files[want].Data = []byte(have)
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// printed runs one line of a test.
func printed(tree Tree, words []string) string {
	var w Wish
	var to, rest []string
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "from":
			w.From = value
		case "to":
			to = strings.Split(value, ",")
		case "only":
			w.Only = append(w.Only, (bumper.Image{Name: value}).Normalised())
		case "also":
			w.Also = append(w.Also, value)
		case "downgrade":
			w.Downgrade = true
		default:
			rest = append(rest, word)
		}
	}
	list, err := Wishes(w, to, tree.File)
	if err != nil {
		return printedError(err)
	}
	out := ""
	for _, w := range list {
		from, to, err := w.Places(tree.File)
		if err != nil {
			out += printedError(err)
			continue
		}
		out += fmt.Sprintf("%s -> %s\n", from.Name, to.Name)
		var c Change
		if words[0] == "repeat" {
			c, err = Repeat(tree, from, to, func(part string) (images []bumper.Image, values []bumper.Value) {
				if part != rest[0] {
					return nil, nil
				}
				for _, word := range rest[1:] {
					if img, err := bumper.ParseAssignment(word); err == nil {
						images = append(images, img)
					}
				}
				return images, values
			})
		} else {
			c, err = Plan(tree, from, to, w)
		}
		if err != nil {
			out += printedError(err)
			continue
		}
		out += printedChange(c)
	}
	return out
}

func printedError(err error) string {
	text := ""
	for line := range strings.Lines(err.Error()) {
		text += "  error   " + strings.TrimSpace(line) + "\n"
	}
	if advice := hint.Of(err); advice != "" {
		text += "  hint    " + advice + "\n"
	}
	return text
}

func printedChange(c Change) string {
	var b strings.Builder
	for _, e := range c.Edits {
		fmt.Fprintf(&b, "  edit    %s:%d: %s: %s -> %s\n", e.File, e.Line, e.Path, e.Old, e.New)
	}
	for _, r := range c.Current {
		fmt.Fprintf(&b, "  current %s:%d: %s\n", r.File, r.Line, r.Image)
	}
	for _, l := range c.Left {
		fmt.Fprintf(&b, "  left    %s\n", l)
	}
	for _, a := range c.Asked {
		for _, img := range a.Request.Images {
			fmt.Fprintf(&b, "  asked   %s\n", strings.TrimSpace(a.Part+" "+img.String()))
		}
		for _, v := range a.Request.Values {
			fmt.Fprintf(&b, "  asked   %s\n", strings.TrimSpace(a.Part+" "+v.File+":"+v.Path+"="+v.Value))
		}
	}
	for _, s := range c.Strands {
		fmt.Fprintf(&b, "  strand  %s -> %s by %s\n", s.From, s.To, strings.Join(s.Carriers, ", "))
	}
	for _, n := range slices.Compact(slices.Clone(c.Notes)) {
		fmt.Fprintf(&b, "  note    %s\n", n)
	}
	if b.Len() == 0 {
		return "  nothing\n"
	}
	return b.String()
}
