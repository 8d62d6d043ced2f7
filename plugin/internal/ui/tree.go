package plugin

import (
	"cmp"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// branches draw the lines of a tree: to an item, to the last one, past an item that is not the last, past the last.
type branches struct{ item, last, past, none string }

func (u *ui) branches() branches {
	if u.ascii {
		return branches{"|- ", "`- ", "|  ", "   "}
	}
	return branches{"├─ ", "└─ ", "│  ", "   "}
}

// treeTable prints one row per object, children below their owners. Wide shows also what is idle.
func (u *ui) treeTable(tree status.Tree, wide bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(tree.Items) == 0 {
		fmt.Fprintf(u.Err, "No objects found in app %s.\n", u.clean(tree.App))
		return
	}
	t := &table{columns: []column{
		{name: "NAME"}, {name: "NAMESPACE", yields: 1}, {name: "SYNC", yields: 2}, {name: "HEALTH"}, {name: "MESSAGE"},
	}}
	u.addNodes(t, tree.Items, "", true, wide)
	u.print(t, wide)
}

func (u *ui) addNodes(t *table, nodes []status.Node, indent string, top, wide bool) {
	b := u.branches()
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
		t.add(cell{text: cmp.Or(n.Short, n.Object), indent: indent + line}, cell{text: n.Namespace}, word(n.Sync), word(n.Health),
			cell{text: firstLine(n.Message)})
		u.addNodes(t, n.Children, indent+below, false, wide)
	}
}
