package reconcile

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// variables reads the ConfigMaps and Secrets that the app's variables come from. They are asked for in every pass, one
// request each, so that a change of one renders the app anew.
func (p *pass) variables(ctx context.Context) error {
	s := p.app.Substitute
	if s == nil || len(s.From) == 0 {
		return nil
	}
	read := &Substitute{Vars: s.Vars, From: s.From, values: map[string]any{}}
	for _, from := range s.From {
		if err := p.readVariables(ctx, read, from); err != nil {
			return err
		}
	}
	for name, value := range s.Vars {
		read.set(name, value, false)
	}
	p.app.Substitute = read
	app := p.app
	app.Timeout = p.timeout
	p.config = p.settings(app)
	return nil
}

func (p *pass) readVariables(ctx context.Context, s *Substitute, from SubstituteFrom) error {
	secret := from.Kind == "Secret"
	kind := cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	if secret {
		kind = cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
	}
	live, err := p.Cluster.Get(ctx, cluster.Ref{Kind: kind, Namespace: p.Records.Namespace, Name: from.Name})
	if err != nil {
		return hint.With(fmt.Errorf("variables of %s: %s/%s in namespace %s: %w", p.app.Name, from.Kind, from.Name, p.Records.Namespace, err),
			"create it, or take it out of substitute.from")
	}
	s.version += fmt.Sprintf("%s/%s@%s:%s;", from.Kind, from.Name, live.GetUID(), live.GetResourceVersion())
	values, _ := live.Object["data"].(map[string]any)
	for name, value := range values {
		text, _ := value.(string)
		if secret {
			plain, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return fmt.Errorf("variables of %s: %s of Secret/%s is not base64", p.app.Name, name, from.Name)
			}
			text = string(plain)
		}
		s.set(name, text, secret)
	}
	return nil
}

func (s *Substitute) set(name string, value any, secret bool) {
	s.values[name] = value
	s.secret = slices.DeleteFunc(s.secret, func(other string) bool { return other == name })
	if secret {
		s.secret = append(s.secret, name)
	}
}

// options is what the renderer needs.
func (s *Substitute) options() *render.Substitute {
	switch {
	case s == nil:
		return nil
	case s.values == nil:
		return &render.Substitute{Vars: maps.Clone(s.Vars)}
	}
	return &render.Substitute{Vars: s.values, Secret: s.secret}
}

// settings is what the app's settings depend on. It holds no value of a Secret.
func (s *Substitute) settings() any {
	if s == nil {
		return nil
	}
	return []any{s.Vars, s.version}
}
