package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// columns is the width that everything the demo itself prints keeps to.
const columns = 80

// shell prints commands and runs them, in one directory and one environment.
type shell struct {
	out   io.Writer
	dir   string
	env   []string // NAME=value, over those of the demo itself
	steps int
	tight bool // no blank line since the last ok
}

// step begins the next numbered step.
func (s *shell) step(title string) {
	s.steps++
	s.blank()
	fmt.Fprintf(s.out, "%d. %s\n\n", s.steps, title)
}

// blank separates what follows from lines printed by ok.
func (s *shell) blank() {
	if s.tight {
		fmt.Fprintln(s.out)
	}
	s.tight = false
}

// say prints a paragraph, wrapped, and a blank line.
func (s *shell) say(format string, args ...any) {
	s.blank()
	words := strings.Fields(fmt.Sprintf(format, args...))
	fmt.Fprintln(s.out, strings.Join(wrap(words, columns, ""), "\n")+"\n")
}

// ok says what has just been checked.
func (s *shell) ok(format string, args ...any) {
	fmt.Fprintf(s.out, "ok: "+format+"\n", args...)
	s.tight = true
}

// run prints a command, runs it with its output shown, and returns what it printed. A blank line follows.
func (s *shell) run(ctx context.Context, args ...string) (string, error) {
	s.blank()
	s.echo(args)
	var printed bytes.Buffer
	both := io.MultiWriter(s.out, &printed)
	cmd := s.command(ctx, args)
	cmd.Stdout, cmd.Stderr = both, both
	err := cmd.Run()
	fmt.Fprintln(s.out)
	if err != nil {
		return printed.String(), fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return printed.String(), nil
}

// quiet runs a command without showing it, and returns its standard output without the spaces around it.
func (s *shell) quiet(ctx context.Context, args ...string) (string, error) {
	cmd := s.command(ctx, args)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// echo prints a command as it would be typed, long ones on several lines.
func (s *shell) echo(args []string) {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = quote(arg)
	}
	for i := 0; i+1 < len(words); i++ { // a flag stays with its value
		if strings.HasPrefix(words[i], "-") && !strings.Contains(words[i], "=") && !strings.HasPrefix(words[i+1], "-") {
			words[i] += " " + words[i+1]
			words = append(words[:i+1], words[i+2:]...)
		}
	}
	fmt.Fprintln(s.out, "$ "+strings.Join(wrap(words, columns-8, " \\"), "\n      "))
}

func (s *shell) command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.find(args[0]), args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
	// Interrupted: ask first, so that a reconcile ends the way it is meant to.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// find looks a program up in the shell's PATH, which is not this process's.
func (s *shell) find(name string) string {
	for _, pair := range s.env {
		path, found := strings.CutPrefix(pair, "PATH=")
		for _, dir := range filepath.SplitList(path) {
			full := filepath.Join(dir, name)
			if info, err := os.Stat(full); found && err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
				return full
			}
		}
	}
	return name
}

// exitCode returns the exit code in err, or -1 when err is something else.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

func quote(arg string) string {
	if arg != "" && !strings.ContainsAny(arg, " \t\n'\"\\$&|;<>()*?[]{}~#`!") {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// wrap fills lines of at most width bytes with words; end closes every line but the last.
func wrap(words []string, width int, end string) []string {
	var lines []string
	for _, word := range words {
		last := len(lines) - 1
		if last >= 0 && len(lines[last])+1+len(word) <= width-len(end) {
			lines[last] += " " + word
			continue
		}
		if last >= 0 {
			lines[last] += end
		}
		lines = append(lines, word)
	}
	return lines
}
