package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

func TestEchoKeepsToEightyColumnsAndFlagsToTheirValues(t *testing.T) {
	var out bytes.Buffer
	s := &shell{out: &out}
	s.echo([]string{"kubectl", "gitops", "reconcile", "--repo", "config.git", "--ref", "main", "--path", "apps/shop/overlays/prod", "--name", "shop", "-n", "gitops-system"})
	s.echo([]string{"git", "commit", "-m", "It's done"})
	want := `$ kubectl gitops reconcile --repo config.git --ref main \
      --path apps/shop/overlays/prod --name shop -n gitops-system
$ git commit -m 'It'\''s done'
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestSayWraps(t *testing.T) {
	var out bytes.Buffer
	s := &shell{out: &out}
	s.say("%s", strings.Repeat("word ", 50))
	for line := range strings.Lines(out.String()) {
		if len(line) > columns+1 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	if got := strings.Count(out.String(), "word"); got != 50 {
		t.Errorf("%d words, want 50", got)
	}
}

func TestRunReturnsOutputAndExitCode(t *testing.T) {
	s := &shell{out: io.Discard, dir: t.TempDir()}
	out, err := s.run(context.Background(), "sh", "-c", "echo done; exit 3")
	if out != "done\n" || exitCode(err) != 3 {
		t.Errorf("output %q, exit code %d, want \"done\" and 3", out, exitCode(err))
	}
}
