package ui

import (
	"cmp"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// branches draw the lines of a tree: to an item, to the last one, past an item that is not the last, past the last.
type branches struct{ item, last, past, none string }

func (w wording) branches() branches {
	if w.ascii {
		return branches{"|- ", "`- ", "|  ", "   "}
	}
	return branches{"├─ ", "└─ ", "│  ", "   "}
}

// Tree prints one row for each object, with its children below it. wide also shows idle objects.
func Tree(t *Terminal, tree status.Tree, wide bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(tree.Items) == 0 {
		fmt.Fprintf(t.Err, "No objects found in app %s.\n", t.clean(tree.App))
		return
	}
	rows := &table{columns: []column{
		{name: "NAME"}, {name: "NAMESPACE", yields: 1}, {name: "SYNC", yields: 2}, {name: "HEALTH"}, {name: "MESSAGE"},
	}}
	t.addNodes(rows, tree.Items, "", true, wide)
	t.print(rows, wide)
}

func (t *Terminal) addNodes(rows *table, nodes []status.Node, indent string, top, wide bool) {
	b := t.branches()
	var shown []status.Node
	for _, n := range nodes {
		if wide || !n.Idle {
			shown = append(shown, n)
		}
	}
	for i, n := range shown {
		line, below := b.item, b.past
		if i == len(shown)-1 {
			line, below = b.last, b.none
		}
		if top {
			line, below = "", ""
		}
		rows.add(cell{text: cmp.Or(n.Short, n.Object), indent: indent + line}, cell{text: n.Namespace}, word(n.Sync), word(n.Health),
			cell{text: FirstLine(n.Message)})
		t.addNodes(rows, n.Children, indent+below, false, wide)
	}
}
