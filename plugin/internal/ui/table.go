package ui

import (
	"fmt"
	"strings"
)

// gap is what separates two columns.
const gap = "  "

// minLast is the room below which the texts of the last column move to lines of their own.
const minLast = 40

// column is one column of a table. The last one is free text.
type column struct {
	name   string
	wide   bool // only with -o wide
	yields int  // on a narrow terminal columns give way in this order, 1 first; 0 never
}

// cell is one cell. Its text is cleaned and coloured by the table.
type cell struct {
	text   string
	style  style
	indent string // what a tree draws in front of the text
}

// word is a cell with a word of the vocabulary, in its colour.
func word[T ~string](w T) cell { return cell{text: string(w), style: styleOf(string(w))} }

type table struct {
	columns []column
	rows    [][]cell
}

// dropFirst takes the first column away.
func (t *table) dropFirst() {
	t.columns = t.columns[1:]
	for i := range t.rows {
		t.rows[i] = t.rows[i][1:]
	}
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// minFirst is what is left of the first column, a name, on the narrowest terminal.
const minFirst = 30

// layout is how one table is printed.
type layout struct {
	keep    []bool // the columns that are printed
	widths  []int  // of all columns
	last    int    // the last printed column
	room    int    // for the text of the last column; 0 is unlimited
	stacked bool   // that text stands below its row
}

// print writes rows to Out. On a terminal, and without wide, it fits the width: texts of the last column are cut, or
// stand below their row when there is little room beside it, and columns give way when the rest is still too wide.
func (t *Terminal) print(rows *table, wide bool) {
	l := layout{keep: make([]bool, len(rows.columns))}
	header := make([]cell, len(rows.columns))
	for i, c := range rows.columns {
		l.keep[i] = wide || !c.wide
		if l.keep[i] {
			l.last = i
		}
		header[i] = cell{text: c.name}
	}
	t.cleanCells(rows, l.last)
	l.widths = rows.widths()
	if t.tty && t.width > 0 && !wide {
		rows.fit(&l, t.width)
	}
	if l.stacked {
		header[l.last].text = ""
	}
	if !t.NoHeaders {
		t.row(l, header)
	}
	for _, row := range rows.rows {
		t.row(l, row)
	}
}

// cleanCells escapes every cell, and writes "-" for an empty one so that columns can be counted; the last printed
// one may be empty.
func (t *Terminal) cleanCells(rows *table, last int) {
	for _, row := range rows.rows {
		for i := range row {
			row[i].text = t.clean(row[i].text)
			if row[i].text == "" && i < last {
				row[i].text = "-"
			}
			row[i].text = row[i].indent + row[i].text
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

// fit makes l as wide as the terminal.
func (t *table) fit(l *layout, width int) {
	l.room = width - t.fixed(l) - len(gap)
	if l.room >= min(l.widths[l.last], minLast) {
		return
	}
	l.stacked, l.room = true, width-len(gap)
	for order := 1; order < len(t.columns) && t.fixed(l) > width; order++ {
		for i, c := range t.columns {
			if c.yields == order {
				l.keep[i] = false
			}
		}
	}
	l.widths[0] -= min(max(t.fixed(l)-width, 0), max(l.widths[0]-minFirst, 0))
}

// fixed is the width of what stands left of the last column.
func (t *table) fixed(l *layout) int {
	n := -len(gap)
	for i, keep := range l.keep[:l.last] {
		if keep {
			n += l.widths[i] + len(gap)
		}
	}
	return n
}

func (t *Terminal) row(l layout, row []cell) {
	var b strings.Builder
	for i, c := range row[:l.last] {
		if l.keep[i] {
			text := t.cutName(c.text, l.widths[i])
			b.WriteString(paint(t.colorOut, c.style, text))
			b.WriteString(strings.Repeat(" ", max(l.widths[i]-displayWidth(text), 0)) + gap)
		}
	}
	last := row[l.last].text
	if l.room > 0 {
		last = t.cutReason(last, l.room)
	}
	if !l.stacked {
		b.WriteString(last)
	}
	fmt.Fprintln(t.Out, strings.TrimRight(b.String(), " "))
	if l.stacked && last != "" {
		fmt.Fprintln(t.Out, gap+last)
	}
}
