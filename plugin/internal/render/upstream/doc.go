// Package upstream compares our renders with those of Helm's own command and of Kustomize with that command: a module
// of its own, because Helm's command is built from a hundred packages that the plugin does without.
package upstream
