package chart

import (
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
)

// File is one file of a chart.
type File struct {
	Name string // slash path from the directory of the chart
	At   string // name of the file in messages
	Data []byte
}

// Chart is a chart with its subcharts. Load makes one.
type Chart struct {
	root *v2.Chart
	at   map[*common.File]string // what messages call templates and CRDs
	file string                  // what messages call Chart.yaml
	from map[string]string       // what messages call a template, by the name the engine gives it; set by Render

	placeholders []*common.File // files that templates can read and that do not hold their content

	called map[string]map[string]bool // by template: functions that gave another result in the second run; set by Render
}

// Name returns what the chart calls itself.
func (c *Chart) Name() string { return c.root.Name() }

// Version returns the version of the chart.
func (c *Chart) Version() string { return c.root.Metadata.Version }

// Error says why a file of a chart is refused.
type Error struct {
	File    string
	Line    int // 0 for the whole file
	Message string
	Hint    string

	Differs bool // the chart makes up values anew in each render
}

// Error returns "file:line: message".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

const maxErrorText = 300

// oneLine makes a short line of a text of a library.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "..."
	}
	return text
}

func eachChart(c *v2.Chart, do func(*v2.Chart)) {
	do(c)
	for _, sub := range c.Dependencies() {
		eachChart(sub, do)
	}
}

// nameTemplates notes where the engine's names of templates come from.
func (c *Chart) nameTemplates(ch *v2.Chart) {
	eachChart(ch, func(ch *v2.Chart) {
		for _, t := range ch.Templates {
			c.from[path.Join(ch.ChartFullPath(), t.Name)] = c.at[t]
		}
	})
}

// source returns the text of a template by the engine's name.
func (c *Chart) source(name string) string {
	text := ""
	eachChart(c.root, func(ch *v2.Chart) {
		for _, t := range ch.Templates {
			if path.Join(ch.ChartFullPath(), t.Name) == name {
				text = string(t.Data)
			}
		}
	})
	return text
}
