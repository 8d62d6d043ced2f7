package envsubst

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on one text. They are far beyond what people write.
const (
	maxDepth       = 100     // expressions inside expressions
	maxExpressions = 100_000 // expressions of a text
)

// Error says which expression of a text cannot be read, or not be replaced.
type Error struct {
	At      int    // where the expression begins, in bytes
	Name    string // the variable, as far as it could be read
	Message string // what is wrong; it shows nothing of the text
}

// Error returns the message with the name of the variable.
func (e *Error) Error() string {
	if e.Name == "" {
		return "expression ${: " + e.Message
	}
	return fmt.Sprintf("variable %s: %s", e.Name, e.Message)
}

// Template is a text with its expressions. It may be used by several goroutines.
type Template struct {
	text  string
	parts []part
}

// part is text, or an expression.
type part struct {
	text string
	expr *expression
}

// expression is ${NAME}, or ${NAME OPERATOR ARGUMENTS}.
type expression struct {
	name       string
	operator   string // "" for none; length is #, before the name
	args       []part // what a default consists of; the arguments of other operators
	start, end int    // in the text
}

const (
	opLength    = "length"
	opSubstring = ":"
)

// Parse finds the expressions of a text. Its error is an *Error.
func Parse(text string) (*Template, error) {
	p := &parser{text: text}
	parts, err := p.document()
	if err != nil {
		return nil, err
	}
	return &Template{text, parts}, nil
}

// Names lists the variables of the text, each once, in their order.
func (t *Template) Names() []string {
	var names []string
	for _, part := range t.parts {
		if part.expr != nil {
			names = part.expr.names(names)
		}
	}
	return names
}

// names appends the variables of an expression that are not in the list yet.
func (e *expression) names(list []string) []string {
	found := false
	for _, name := range list {
		found = found || name == e.name
	}
	if !found {
		list = append(list, e.name)
	}
	for _, arg := range e.args {
		if arg.expr != nil {
			list = arg.expr.names(list)
		}
	}
	return list
}

type parser struct {
	text  string
	at    int
	depth int
	count int
}

// document reads the whole text. Outside of expressions, $$ stands for $, and $NAME for itself.
func (p *parser) document() (parts []part, err error) {
	var out strings.Builder
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		next := strings.IndexByte(rest, '$')
		if next < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:next])
		p.at += next
		switch rest = rest[next:]; {
		case strings.HasPrefix(rest, "${"):
			if out.Len() > 0 {
				parts = append(parts, part{text: out.String()})
				out.Reset()
			}
			expr, err := p.expression()
			if err != nil {
				return nil, err
			}
			parts = append(parts, part{expr: expr})
		case strings.HasPrefix(rest, "$$"):
			out.WriteByte('$')
			p.at += 2
		default:
			out.WriteByte('$')
			p.at++
		}
	}
	if out.Len() > 0 {
		parts = append(parts, part{text: out.String()})
	}
	return parts, nil
}

// expression reads from ${ to the } that ends it.
func (p *parser) expression() (*expression, error) {
	e := &expression{start: p.at}
	p.depth++
	p.count++
	switch {
	case p.depth > maxDepth:
		return nil, p.wrong(e, fmt.Sprintf("more than %d expressions inside each other", maxDepth))
	case p.count > maxExpressions:
		return nil, p.wrong(e, fmt.Sprintf("more than %d expressions", maxExpressions))
	}
	p.at += len("${")
	length := p.peek() == '#'
	if length {
		p.at++
	}
	if e.name = p.name(); e.name == "" {
		return nil, p.wrong(e, "a name has to follow: letters, digits and _")
	}
	var err error
	switch next := p.peek(); {
	case length:
		e.operator = opLength
	case next == ':' || next == '=':
		err = p.defaultOrSubstring(e)
	case next == ',' || next == '^':
		e.operator = p.run(",^", 2)
	case next == '/':
		err = p.replacement(e)
	case next == '#' || next == '%':
		e.operator = p.run(string(next), 2)
		err = p.argument(e, "}", false)
	}
	if err != nil {
		return nil, err
	}
	if p.peek() != '}' {
		return nil, p.notClosed(e)
	}
	p.at++
	p.depth--
	e.end = p.at
	return e, nil
}

// defaultOrSubstring reads what follows a colon or an equals sign. The shell knows more operators: those of this dialect are
// understood as defaults (:? and :+, too), or refused.
func (p *parser) defaultOrSubstring(e *expression) error {
	e.operator = p.run(":", 1)
	if next := p.peek(); e.operator == "" || strings.ContainsRune("=-?+", next) {
		_, size := utf8.DecodeRuneInString(p.text[p.at:])
		e.operator += p.text[p.at : p.at+size]
		p.at += size
		for p.at < len(p.text) && p.peek() != '}' {
			if err := p.argument(e, "}", false); err != nil {
				return err
			}
		}
		return nil
	}
	if _, size := utf8.DecodeRuneInString(p.text[p.at:]); size > 1 { // Flux' parser loses its place
		return p.notClosed(e)
	}
	if err := p.argument(e, ":}", false); err != nil {
		return err
	}
	if p.run(":", len(p.text)) == "" {
		return nil
	}
	return p.argument(e, "}", false)
}

// replacement reads the operator, the pattern to the next slash, which may lie beyond a brace, and the replacement if there is one.
func (p *parser) replacement(e *expression) error {
	if e.operator = p.run("/", 1); strings.ContainsRune("/#%", p.peek()) {
		e.operator += p.text[p.at : p.at+1]
		p.at++
	}
	if err := p.argument(e, "/", true); err != nil {
		return err
	}
	if p.run("/", len(p.text)) == "" {
		return p.notClosed(e)
	}
	if p.peek() == '}' {
		return nil
	}
	return p.argument(e, "}", true)
}

// argument reads an expression, or text to one of the bytes in end, or to an expression. Text may not be empty. With escapes, \/ is
// a slash, \\ a backslash and $$ a dollar sign.
func (p *parser) argument(e *expression, end string, escapes bool) error {
	if strings.HasPrefix(p.text[p.at:], "${") {
		inner, err := p.expression()
		e.args = append(e.args, part{expr: inner})
		return err
	}
	var out strings.Builder
	start := p.at
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		if strings.HasPrefix(rest, "${") {
			break
		}
		if escapes && (strings.HasPrefix(rest, "$$") || strings.HasPrefix(rest, `\/`) || strings.HasPrefix(rest, `\\`)) {
			out.WriteByte(rest[1])
			p.at += 2
			continue
		}
		if strings.IndexByte(end, rest[0]) >= 0 {
			break
		}
		out.WriteByte(rest[0])
		p.at++
	}
	if p.at == start {
		return p.notClosed(e)
	}
	e.args = append(e.args, part{text: out.String()})
	return nil
}

// peek returns the next character, 0 at the end. It stays the next.
func (p *parser) peek() rune {
	if p.at >= len(p.text) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return r
}

// run reads at most limit bytes that are among those of set.
func (p *parser) run(set string, limit int) string {
	start := p.at
	for p.at < len(p.text) && p.at-start < limit && strings.IndexByte(set, p.text[p.at]) >= 0 {
		p.at++
	}
	return p.text[start:p.at]
}

// name reads a name. It may begin with a digit: Flux' parser takes it, and no variable has it.
func (p *parser) name() string {
	start := p.at
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		p.at += size
	}
	return p.text[start:p.at]
}

func (p *parser) wrong(e *expression, message string) error {
	return &Error{At: e.start, Name: e.name, Message: message}
}

// notClosed says what can follow at the place where e cannot go on.
func (p *parser) notClosed(e *expression) error {
	switch {
	case p.at >= len(p.text):
		return p.wrong(e, "the } is missing")
	case e.operator == "":
		return p.wrong(e, "what follows the name is none of } := :- = :0 / // # ## % %% , ,, ^ ^^")
	case p.peek() == '}':
		return p.wrong(e, fmt.Sprintf("after %s, a text has to follow", e.shown()))
	}
	return p.wrong(e, fmt.Sprintf("after %s, one text or one expression has to follow, and then }", e.shown()))
}

// shown is the operator as it is written.
func (e *expression) shown() string {
	if e.operator == opLength {
		return "#" + e.name
	}
	return e.operator
}
