package plugin

import (
	"fmt"
	"io"
	"strings"
)

// gap is what separates two columns.
const gap = "  "

// minLast is how much of the last column a narrow terminal keeps before other columns make room for it.
const minLast = 24

// column is one column of a table. The last one is free text.
type column struct {
	name   string
	wide   bool // only with -o wide
	yields int  // on a narrow terminal columns give way in this order, 1 first; 0 never
}

// cell is one cell. Its text is cleaned and coloured by the table.
type cell struct {
	text  string
	style style
}

// word is a cell with a word of the vocabulary, in its colour.
func word[T ~string](w T) cell { return cell{string(w), styleOf(string(w))} }

type table struct {
	columns []column
	rows    [][]cell
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// print writes t to Out. On a terminal, and without wide, it fits the width: columns give way to the last one, and
// that is cut.
func (u *ui) print(t *table, wide bool) {
	keep := make([]bool, len(t.columns))
	for i, c := range t.columns {
		keep[i] = wide || !c.wide
	}
	fit := u.tty && u.width > 0 && !wide
	u.cleanCells(t)
	widths := t.widths()
	if fit {
		t.yield(keep, widths, u.width)
	}
	last := len(keep) - 1
	for last > 0 && !keep[last] {
		last--
	}
	room := 0
	if fit {
		room = max(u.width-t.fixed(keep, widths, last), minLast/2)
	}
	header := make([]cell, len(t.columns))
	for i, c := range t.columns {
		header[i] = cell{text: c.name}
	}
	for _, row := range append([][]cell{header}, t.rows...) {
		u.row(u.Out, row, keep, widths, last, room)
	}
}

// cleanCells escapes every cell, and writes "-" for an empty one so that columns can be counted; the last may be empty.
func (u *ui) cleanCells(t *table) {
	for _, row := range t.rows {
		for i := range row {
			row[i].text = u.clean(row[i].text)
			if row[i].text == "" && i < len(row)-1 {
				row[i].text = "-"
			}
		}
	}
}

func (t *table) widths() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = displayWidth(c.name)
		for _, row := range t.rows {
			widths[i] = max(widths[i], displayWidth(row[i].text))
		}
	}
	return widths
}

// fixed is the width of everything left of column last.
func (t *table) fixed(keep []bool, widths []int, last int) int {
	n := 0
	for i := range last {
		if keep[i] {
			n += widths[i] + len(gap)
		}
	}
	return n
}

// yield drops columns, in their order, until the last one has room for all of its text or for minLast of it.
func (t *table) yield(keep []bool, widths []int, width int) {
	last := len(t.columns) - 1
	for order := 1; order <= last; order++ {
		if t.fixed(keep, widths, last)+min(widths[last], minLast) <= width {
			return
		}
		for i, c := range t.columns {
			if c.yields == order {
				keep[i] = false
			}
		}
	}
}

func (u *ui) row(w io.Writer, row []cell, keep []bool, widths []int, last, room int) {
	var b strings.Builder
	for i, c := range row {
		switch {
		case !keep[i]:
		case i == last && room > 0:
			b.WriteString(paint(u.colorOut, c.style, u.cut(c.text, room)))
		case i == last:
			b.WriteString(paint(u.colorOut, c.style, c.text))
		default:
			b.WriteString(paint(u.colorOut, c.style, c.text))
			b.WriteString(strings.Repeat(" ", widths[i]-displayWidth(c.text)) + gap)
		}
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}
