package plugin

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
)

// otherVerbs are verbs of kubectl, flux, argocd, helm and git, with what somebody who types one of them looks for.
var otherVerbs = []struct {
	verbs []string
	hint  string
}{
	{[]string{"get", "list", "ls", "ps", "apps", "app", "describe", "show", "info", "top", "health"}, "`kubectl gitops status` lists the apps, `kubectl gitops status APP` the objects of one"},
	{[]string{"sync", "apply", "deploy", "up", "run", "upgrade", "refresh", "push", "pull", "force"}, "`kubectl gitops reconcile APP` applies what Git says, and waits until it is healthy"},
	{[]string{"rollback", "revert", "undo", "rollout"}, "to roll back, revert the commit in Git; `kubectl gitops history APP` says which one, and how"},
	{[]string{"logs", "log", "tail"}, "`kubectl gitops trigger` starts a job and shows its log; `kubectl gitops history APP` shows past runs"},
	{[]string{"wait"}, "`kubectl gitops reconcile APP` waits until all is healthy; `kubectl gitops status -w` shows each change"},
	{[]string{"watch"}, "`kubectl gitops status -w` shows each change"},
	{[]string{"events", "event"}, "`kubectl gitops history APP` shows past runs, `kubectl gitops status APP` shows what is wrong now"},
	{[]string{"pause", "stop", "disable", "hold"}, "`kubectl gitops suspend APP` stops reconciling an app until it is resumed"},
	{[]string{"unpause", "start", "enable", "unsuspend", "continue"}, "`kubectl gitops resume APP` ends a suspension"},
	{[]string{"delete", "remove", "rm", "destroy", "terminate", "prune"}, "remove an app from gitops.yaml or its objects from Git, and the next run prunes them; `kubectl gitops uninstall` removes the instance"},
	{[]string{"bootstrap", "init", "setup", "create", "add"}, "`kubectl gitops install --repo URL` installs the CronJob; a new app is a commit"},
	{[]string{"build", "template", "manifests", "export", "kustomize", "cat"}, "`kubectl gitops render DIR` prints the manifests"},
	{[]string{"plan", "dry-run", "compare", "drift"}, "`kubectl gitops diff APP` shows what reconcile would change"},
	{[]string{"check", "lint", "validate", "verify", "test"}, "`kubectl gitops preview` renders every app of a checkout and reports errors; `kubectl gitops diff` asks the cluster"},
	{[]string{"edit", "set", "patch", "scale", "image"}, "change the file in Git: the next run applies it"},
	{[]string{"resources", "children", "graph"}, "`kubectl gitops tree APP` shows the objects of an app and their children"},
	{[]string{"blame", "owner", "who", "why"}, "`kubectl gitops trace KIND/NAME` shows which app, file and commit an object comes from"},
}

// unknownCommand words cobra's error about a command that does not exist, with what was probably meant.
func unknownCommand(root *cobra.Command, err error) error {
	_, rest, ok := strings.Cut(err.Error(), `unknown command "`)
	typed, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return seeHelp(root, err)
	}
	for _, other := range otherVerbs {
		for _, verb := range other.verbs {
			if strings.EqualFold(typed, verb) {
				return hint.With(err, "%s", other.hint)
			}
		}
	}
	var names []string
	for _, command := range root.Commands() {
		names = append(names, command.Name())
	}
	if word := near.Word(strings.ToLower(typed), names); word != "" {
		return hint.With(err, "did you mean `%s %s`?", root.CommandPath(), word)
	}
	return seeHelp(root, err)
}
