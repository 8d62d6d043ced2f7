package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// manPages returns a page of section 1 for each command, in the macros of man(7).
func manPages(root command, version string) map[string]string {
	pages := map[string]string{}
	for _, c := range root.all() {
		pages[c.file()+".1"] = c.manPage(version, root)
	}
	return pages
}

func (c command) manPage(version string, root command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q \"User Commands\"\n.nh\n.ad l\n", strings.ToUpper(c.file()), strings.TrimSpace("kubectl-gitops "+version))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n.SH DESCRIPTION\n", roff(c.file()), roff(c.Short), roff(c.UseLine()))
	for i, paragraph := range strings.Split(c.describe(), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		preformatted(&b, strings.Split(paragraph, "\n"), strings.Contains(paragraph, "\n  "))
	}
	manFlags(&b, "OPTIONS", c.ownFlags())
	if c.Command == root.Command {
		manFlags(&b, "OPTIONS OF EVERY COMMAND", flagsOf(root.PersistentFlags(), func(*pflag.Flag) bool { return true }))
	}
	if lines := c.exampleLines(); len(lines) > 0 {
		b.WriteString(".SH EXAMPLES\n")
		preformatted(&b, lines, true)
	}
	b.WriteString(".SH SEE ALSO\n")
	if c.Command != root.Command {
		fmt.Fprintf(&b, ".BR %s (1)\n", roff(root.file()))
		return b.String()
	}
	for _, child := range root.all()[1:] {
		fmt.Fprintf(&b, ".BR %s (1)\n", roff(child.file()))
	}
	return b.String()
}

func manFlags(b *strings.Builder, title string, flags []*pflag.Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	for _, f := range flags {
		value, usage := pflag.UnquoteUsage(f)
		if d := defaultOf(f); d != "" {
			usage += " (default " + d + ")"
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(signature(f, value)), roff(usage))
	}
}

// preformatted writes lines, as they are when literal.
func preformatted(b *strings.Builder, lines []string, literal bool) {
	if literal {
		b.WriteString(".nf\n")
	}
	for _, line := range lines {
		b.WriteString(roff(line) + "\n")
	}
	if literal {
		b.WriteString(".fi\n")
	}
}

// roff escapes what troff would take for its own.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
