package chart

import (
	"context"
	"fmt"
	"path"
	"strings"
	"text/template"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	valuesutil "helm.sh/helm/v4/pkg/chart/common/util"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
)

// run is one of the two renders of a chart.
type run struct {
	chart    *Chart
	number   int // 0 and 1
	started  time.Time
	progress func(string)
	current  string                     // the template that is rendered now
	called   map[string]map[string]bool // by template: functions that give another result each time
	drawing  *drawing                   // where random values come from; nil for one fixed value in each run
}

// entered is the function that each template calls first.
const entered = "gitopsEntered"

func (r *run) render(ctx context.Context, o Options, capabilities *common.Capabilities) (map[string]string, error) {
	r.called = map[string]map[string]bool{}
	release := common.ReleaseOptions{Name: o.Release, Namespace: o.Namespace, Revision: max(o.Revision, 1), IsInstall: !o.Upgrade, IsUpgrade: o.Upgrade}
	values, err := valuesutil.ToRenderValuesWithSchemaValidation(r.chart.root, deepCopy(o.Values), release, capabilities, true)
	if err != nil {
		return nil, &Error{File: r.chart.file, Message: "values: " + oneLine(err.Error())}
	}
	if all, err := values.Table("Values"); err == nil && r.number == 0 {
		if err := r.chart.validate(all); err != nil {
			return nil, err
		}
	}
	restore := r.instrument()
	defer restore()
	functions := r.functions()
	functions[entered] = func(name string) string {
		if r.current = name; r.progress != nil {
			r.progress(r.chart.from[name])
		}
		return ""
	}
	output, err := engine.Engine{CustomTemplateFuncs: template.FuncMap(functions)}.RenderWithContext(ctx, r.chart.root, values)
	if err != nil {
		return nil, r.chart.templateError(err)
	}
	return output, nil
}

// instrument lets each template say that its turn has come. It adds no line and no output.
func (r *run) instrument() (restore func()) {
	before := map[*v2.Chart][]*common.File{}
	eachChart(r.chart.root, func(ch *v2.Chart) {
		before[ch] = ch.Templates
		ch.Templates = make([]*common.File, len(ch.Templates))
		for i, t := range before[ch] {
			marked := *t
			if !strings.HasPrefix(path.Base(t.Name), "_") {
				marked.Data = fmt.Appendf(nil, "{{%s %q}}%s", entered, path.Join(ch.ChartFullPath(), t.Name), t.Data)
			}
			ch.Templates[i] = &marked
		}
	})
	return func() {
		for ch, templates := range before {
			ch.Templates = templates
		}
	}
}

// deepCopy copies what YAML and JSON are made of.
func deepCopy(values map[string]any) map[string]any {
	if values == nil {
		return map[string]any{}
	}
	return copyValue(values).(map[string]any)
}

func copyValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = copyValue(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = copyValue(inner)
		}
		return out
	}
	return value
}
