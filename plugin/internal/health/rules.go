package health

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Rule says in CEL how objects of a kind are doing; the variable object holds the whole object.
type Rule struct {
	Group       string `json:"group,omitempty"` // empty is any
	Kind        string `json:"kind"`
	Healthy     string `json:"healthy,omitempty"` // expressions that give a bool; empty never applies
	Degraded    string `json:"degraded,omitempty"`
	Progressing string `json:"progressing,omitempty"`
	Suspended   string `json:"suspended,omitempty"`
	Message     string `json:"message,omitempty"` // an expression that gives a string
}

// Rules are compiled rules; nil has none.
type Rules struct {
	byKind map[string][]compiledRule
}

type compiledRule struct {
	group    string
	verdicts []compiledVerdict
	message  cel.Program
	decides  bool // it says when an object is Healthy, so it is the only judge
}

type compiledVerdict struct {
	health  State
	text    string
	program cel.Program
}

const (
	// maxCost is what one expression may cost; a look at every condition of an object costs some hundreds.
	maxCost = 100_000
	// maxExpression bounds the text of one expression, in bytes.
	maxExpression = 8 << 10
)

// healthEnvironment is made when a rule is first compiled: most instances have none.
var healthEnvironment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(cel.Variable("object", cel.DynType))
})

// Compile checks and compiles rules. An error names the rule and quotes the expression, with the place of the
// mistake.
func Compile(rules []Rule) (*Rules, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	env, err := healthEnvironment()
	if err != nil {
		return nil, err
	}
	compiled := &Rules{byKind: map[string][]compiledRule{}}
	var problems []error
	for _, r := range rules {
		c, err := r.compile(env)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		compiled.byKind[r.Kind] = append(compiled.byKind[r.Kind], c)
	}
	return compiled, errors.Join(problems...)
}

func (r Rule) name() string {
	if r.Group == "" {
		return "health rule of " + r.Kind
	}
	return "health rule of " + r.Kind + "." + r.Group
}

func (r Rule) compile(env *cel.Env) (compiledRule, error) {
	c := compiledRule{group: r.Group, decides: r.Healthy != ""}
	if r.Kind == "" {
		return c, hint.Errorf("a health rule names no kind", "say which objects it judges: kind: Database")
	}
	if r.Kind == "Secret" {
		return c, hint.Errorf("a health rule cannot judge Secrets", "its message could show their values; judge what writes them")
	}
	if r.Healthy+r.Degraded+r.Progressing+r.Suspended == "" {
		return c, hint.Errorf(r.name()+" has no expression", "give at least healthy: object.status.ready")
	}
	var problems []error
	for _, v := range []struct {
		health State
		text   string
	}{{Degraded, r.Degraded}, {Suspended, r.Suspended}, {Progressing, r.Progressing}, {Healthy, r.Healthy}} {
		if v.text == "" {
			continue
		}
		program, err := r.program(env, strings.ToLower(string(v.health)), v.text, cel.BoolType)
		if err != nil {
			problems = append(problems, err)
		}
		c.verdicts = append(c.verdicts, compiledVerdict{v.health, v.text, program})
	}
	if r.Message != "" {
		program, err := r.program(env, "message", r.Message, cel.StringType)
		if err != nil {
			problems = append(problems, err)
		}
		c.message = program
	}
	return c, errors.Join(problems...)
}

// program compiles one expression, which must give want.
func (r Rule) program(env *cel.Env, field, text string, want *cel.Type) (cel.Program, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("%s: %s: the expression is longer than %d bytes", r.name(), field, maxExpression)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, hint.With(fmt.Errorf("%s: %s: %s\n%s\n%s^", r.name(), field, strings.TrimSuffix(first.Message, " (in container '')"), lineOf(text, first.Location.Line()),
			strings.Repeat(" ", max(first.Location.Column(), 0))), "the expression is CEL, and `object` is the object")
	}
	if t := ast.OutputType(); !t.IsExactType(want) && !t.IsExactType(cel.DynType) {
		return nil, hint.With(fmt.Errorf("%s: %s: %s gives %s, not %s", r.name(), field, text, t, want), "compare it with something, as in %s == 'ok'", text)
	}
	return env.Program(ast, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
}

func lineOf(text string, n int) string {
	lines := strings.Split(text, "\n")
	if n < 1 || n > len(lines) {
		return text
	}
	return lines[n-1]
}

// Of is Of with the rules: the first expression that is true wins, in the order degraded, suspended,
// progressing, healthy. A rule that says when an object is healthy is the only judge of it: until then it is
// Progressing. Other rules leave the rest to Of. An expression that fails, because a field is not there (yet) or
// because it costs too much, makes the object Unknown, with the text of the rule, unless another one is true.
func (r *Rules) Of(u *unstructured.Unstructured) (State, string) {
	rule := r.find(u)
	if rule == nil {
		return Of(u)
	}
	if h, why, settled := healthOfAny(u); settled {
		return h, why
	}
	input := map[string]any{"object": u.Object}
	var failed error
	for _, v := range rule.verdicts {
		yes, err := truth(v.program, input)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("health rule %s: %s: %w", strings.ToLower(string(v.health)), oneLine(v.text), err))
		}
		switch {
		case yes && v.health == Healthy:
			return Healthy, ""
		case yes:
			return v.health, rule.say(input, v)
		}
	}
	switch {
	case failed != nil:
		return Unknown, strings.Split(failed.Error(), "\n")[0]
	case rule.decides:
		return Progressing, rule.say(input, rule.verdicts[len(rule.verdicts)-1])
	}
	return Of(u)
}

func (r *Rules) find(u *unstructured.Unstructured) *compiledRule {
	if r == nil || u == nil {
		return nil
	}
	gvk := u.GroupVersionKind()
	for i, c := range r.byKind[gvk.Kind] {
		if c.group == "" || c.group == gvk.Group {
			return &r.byKind[gvk.Kind][i]
		}
	}
	return nil
}

// say words the verdict: the rule's own message, or what is (not) true.
func (c *compiledRule) say(input map[string]any, v compiledVerdict) string {
	if c.message != nil {
		if out, _, err := c.message.Eval(input); err == nil {
			if text, ok := out.Value().(string); ok {
				return text
			}
		}
	}
	if v.health == Healthy {
		return "waiting for " + oneLine(v.text)
	}
	return oneLine(v.text)
}

func truth(p cel.Program, input map[string]any) (bool, error) {
	out, _, err := p.Eval(input)
	if err != nil {
		return false, err
	}
	yes, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("it gives %s, not true or false", out.Type().TypeName())
	}
	return yes, nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
