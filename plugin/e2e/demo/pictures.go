package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// picture is what one picture shows: commands as they are typed, and what they print.
type picture struct {
	name, title string
	commands    []string
}

// neighbours writes apps that the shop is not alone with in the pictures.
const neighbours = `
mkdir -p config/apps/payments config/apps/search config/apps/catalog
cat >config/apps/payments/worker.yaml <<'EOF'
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: payments}
spec:
  replicas: 3
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: worker, image: ghcr.io/acme/worker:1.8.1}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: payments}
EOF
sed 's/worker/indexer/g; s/payments/search/g' config/apps/payments/worker.yaml >config/apps/search/indexer.yaml
sed 's/worker/web/g; s/payments/catalog/g' config/apps/payments/worker.yaml >config/apps/catalog/web.yaml
git -C config add --all
git -C config commit --quiet --message 'Add catalog, payments and search'
git -C config push --quiet origin HEAD
for app in payments search catalog; do
	kubectl gitops reconcile --repo config.git --path apps/$app
done
kubectl scale deployment/worker --replicas=5 --namespace payments --request-timeout=30s
sed -i 's/app: indexer/app: search/' config/apps/search/indexer.yaml
git -C config commit --quiet --all --message 'Rename the indexer'
git -C config push --quiet origin HEAD
kubectl gitops reconcile search || true
`

// pictures draws what the commands print on a local cluster into dir, for light and for dark pages.
func pictures(ctx context.Context, log io.Writer, dir string) error {
	tmp, err := os.MkdirTemp("", "gitops-pictures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	p, undo, err := open(ctx, log, tmp, true)
	if err != nil {
		return err
	}
	p.env = append(p.env, "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	err = p.draw(ctx, dir)
	return errors.Join(err, undo())
}

func (p *place) draw(ctx context.Context, dir string) error {
	change := "sed -i 's/" + oldTag + "/" + newTag + "/' config/" + overlay +
		" && git -C config commit --quiet --all --message 'Update nginx to " + newTag + "' && git -C config push --quiet origin HEAD"
	for _, step := range []any{
		neighbours,
		picture{"status", "What runs, at which commit, and whether it is healthy", []string{"kubectl gitops status"}},
		"kubectl gitops reconcile --repo config.git --path apps/shop/overlays/prod --name shop",
		picture{"drift", "Somebody scaled a Deployment: reconcile reverts it, and says what set it", []string{
			"kubectl scale deployment/web --replicas=5 --namespace shop", "kubectl gitops reconcile shop"}},
		change,
		picture{"diff", "What the next run would change", []string{"kubectl gitops diff shop"}},
		picture{"reconcile", "A commit changes an image", []string{"kubectl gitops reconcile shop", "kubectl gitops history shop"}},
	} {
		var err error
		switch step := step.(type) {
		case string:
			_, err = p.quiet(ctx, "bash", "-c", step)
		case picture:
			err = p.take(ctx, dir, step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take runs the commands of a picture and writes it, once for each theme.
func (p *place) take(ctx context.Context, dir string, pic picture) error {
	var lines []string
	for i, command := range pic.commands {
		if i > 0 {
			lines = append(lines, "")
		}
		words := strings.Fields(command)
		if words[1] == "gitops" {
			words = append(words, "--color=always")
		}
		out, err := p.command(ctx, words).CombinedOutput()
		if err != nil && (words[2] != "diff" || exitCode(err) != 1) {
			return fmt.Errorf("%s: %w\n%s", command, err, out)
		}
		lines = append(lines, "$ "+command)
		text := strings.ReplaceAll(string(out), p.dir+"/config.git", "https://github.com/acme/config")
		lines = append(lines, strings.Split(strings.TrimRight(text, "\n"), "\n")...)
	}
	for _, t := range themes {
		file := filepath.Join(dir, pic.name+t.suffix+".svg")
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, []byte(svg(lines, t, pic.title)), 0o644)); err != nil {
			return err
		}
	}
	return nil
}
