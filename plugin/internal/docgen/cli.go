package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// generated is the first line of every page.
const generated = "<!-- Generated from the code by `make docs`: change the code. -->\n\n"

// command adds to cobra's command what pages need.
type command struct{ *cobra.Command }

// file is the name of the command's page without its ending.
func (c command) file() string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// children are the commands that people see.
func (c command) children() []command {
	var out []command
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			out = append(out, command{child})
		}
	}
	return out
}

// all are c and everything below it.
func (c command) all() []command {
	out := []command{c}
	for _, child := range c.children() {
		out = append(out, child.all()...)
	}
	return out
}

// describe is the long text, or the short one as a sentence.
func (c command) describe() string {
	if c.Long != "" {
		return strings.TrimSpace(c.Long)
	}
	return c.Short + "."
}

// exampleLines are the examples without their common indentation.
func (c command) exampleLines() []string {
	var out []string
	for line := range strings.Lines(c.Example) {
		out = append(out, strings.TrimPrefix(strings.TrimRight(line, " \n"), "  "))
	}
	return out
}

// ownFlags are the visible flags that only this command has.
func (c command) ownFlags() []*pflag.Flag {
	return flagsOf(c.LocalNonPersistentFlags(), func(f *pflag.Flag) bool { return !f.Hidden && f.Name != "help" })
}

func flagsOf(set *pflag.FlagSet, want func(*pflag.Flag) bool) []*pflag.Flag {
	var out []*pflag.Flag
	set.VisitAll(func(f *pflag.Flag) {
		if f.Deprecated == "" && want(f) {
			out = append(out, f)
		}
	})
	return out
}

// cliPages returns docs/cli: a page for each command and one that lists them.
func cliPages(root command) map[string]string {
	pages := map[string]string{"docs/cli/README.md": overview(root)}
	for _, c := range root.all()[1:] {
		pages["docs/cli/"+c.file()+".md"] = c.page()
	}
	return pages
}

func overview(root command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s\n\n| command | |\n|---|---|\n", generated, root.CommandPath(), root.describe())
	for _, c := range root.all()[1:] {
		fmt.Fprintf(&b, "| [`%s`](%s.md) | %s |\n", c.CommandPath(), c.file(), cell(c.Short))
	}
	b.WriteString("\n## Flags that every command takes\n\n")
	flagTable(&b, flagsOf(root.PersistentFlags(), func(*pflag.Flag) bool { return true }))
	return b.String()
}

func (c command) page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s\n\n```text\n%s\n```\n", generated, c.CommandPath(), c.describe(), c.UseLine())
	if lines := c.exampleLines(); len(lines) > 0 {
		fmt.Fprintf(&b, "\n## Examples\n\n```text\n%s\n```\n", strings.Join(lines, "\n"))
	}
	if flags := c.ownFlags(); len(flags) > 0 {
		b.WriteString("\n## Flags\n\n")
		flagTable(&b, flags)
	}
	b.WriteString("\nSee also [the flags that every command takes](README.md#flags-that-every-command-takes).\n")
	return b.String()
}

func flagTable(b *strings.Builder, flags []*pflag.Flag) {
	b.WriteString("| flag | default | meaning |\n|---|---|---|\n")
	for _, f := range flags {
		value, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", signature(f, value), code(defaultOf(f)), cell(usage))
	}
}

// signature is the flag as one types it: "-o, --output string".
func signature(f *pflag.Flag, value string) string {
	s := "--" + f.Name
	if f.Shorthand != "" && f.ShorthandDeprecated == "" {
		s = "-" + f.Shorthand + ", " + s
	}
	if value != "" {
		s += " " + value
	}
	return s
}

// defaultOf is the default as help shows it: nothing for zero values, nor for what depends on the machine.
func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "0", "0s", "[]", "<nil>":
		return ""
	}
	if f.Name == "cache-dir" {
		return "$HOME/.kube/cache"
	}
	return f.DefValue
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}

func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(strings.TrimSpace(s))
}
