package reconcile

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// variables are those of an app whose substitute names ConfigMaps or Secrets, with their values.
type variables struct {
	values  map[string]any
	secret  map[string]string // names whose values come from Secrets, and the name of the Secret
	plain   []string          // those of secret that may be used everywhere, and shown
	version string            // of what they come from
}

// variables reads the ConfigMaps and Secrets that the app's variables come from. They are asked for in every pass, one
// request each, so that a change of one renders the app anew.
func (p *pass) variables(ctx context.Context) error {
	s := p.app.Substitute
	if s == nil || len(s.From) == 0 {
		return nil
	}
	read := &variables{values: map[string]any{}, secret: map[string]string{}}
	for _, from := range s.From {
		if err := p.readVariables(ctx, read, from); err != nil {
			return err
		}
	}
	for name, value := range s.Vars {
		read.set(name, value, "", false)
	}
	p.vars, p.Hidden = read, sealed.New(sealed.Lines(read.hidden()))
	app := p.app
	app.Timeout = p.timeout
	p.config = p.settings(app, read.version)
	return nil
}

func (p *pass) readVariables(ctx context.Context, s *variables, from SubstituteFrom) error {
	secret := from.Kind == "Secret"
	kind := cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	if secret {
		kind = cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
	}
	ref := cluster.Ref{Kind: kind, Namespace: p.Records.Namespace, Name: from.Name}
	if err := p.mayRead(ref); err != nil {
		return err
	}
	live, err := p.Cluster.Get(ctx, ref)
	if err != nil {
		return hint.With(fmt.Errorf("variables of %s: %s/%s in namespace %s: %w", p.app.Name, from.Kind, from.Name, p.Records.Namespace, err),
			"create it, or take it out of substitute.from")
	}
	if err := p.guardRead(ctx, ref, live); err != nil {
		return err
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
		if !secret {
			s.set(name, text, "", false)
			continue
		}
		s.set(name, text, from.Name, isPlain(name, from.Plain))
	}
	return nil
}

// isPlain tells whether patterns say that a value of a Secret is none to hide.
func isPlain(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		fits, err := path.Match(pattern, name)
		return err == nil && fits
	})
}

// mayRead refuses variables that a confined app may not name. An app with a service account reads as that, so the server says
// what it may read; another one reads with the rights of the instance, and so only what it may contain as well.
func (p *pass) mayRead(ref cluster.Ref) error {
	if p.app.ServiceAccount != "" {
		return nil
	}
	if why, _ := p.app.Allow.Refuses(ref); why != "" {
		return hint.With(fmt.Errorf("variables of %s: %s in namespace %s: the app is confined, and may not read it: %s", p.app.Name, ref, ref.Namespace, why),
			"write the values into substitute.vars, or give the app a serviceAccount that may read it")
	}
	return nil
}

// guardRead refuses variables from what is the instance's own: its records, and its credentials.
func (p *pass) guardRead(ctx context.Context, ref cluster.Ref, live *unstructured.Unstructured) error {
	own := record.Reserved(ref, live, p.Records.Namespace) != "" || record.IsMarked(live)
	if !own && ref.Kind.Kind == "Secret" && holdsCredentials(live) { // what has none of these keys is not worth a request
		var err error
		if own, err = p.isCredentials(ctx, ref); err != nil {
			return fmt.Errorf("variables of %s: %w", p.app.Name, err)
		}
	}
	if own {
		return hint.Errorf(fmt.Sprintf("variables of %s: %s in namespace %s belongs to the instance itself, and no app reads it", p.app.Name, ref, ref.Namespace),
			"put what the app needs into an object of its own")
	}
	return nil
}

// set gives a variable its value. secret is the Secret that it comes from, "" when it comes from none.
func (s *variables) set(name string, value any, secret string, plain bool) {
	s.values[name] = value
	delete(s.secret, name)
	s.plain = slices.DeleteFunc(s.plain, func(other string) bool { return other == name })
	if secret != "" {
		s.secret[name] = secret
	}
	if plain {
		s.plain = append(s.plain, name)
	}
}

// hidden lists the values that may not be shown, each with its variable.
func (s *variables) hidden() map[string]string {
	all := map[string]string{}
	for name := range s.secret {
		if !slices.Contains(s.plain, name) {
			all[fmt.Sprint(s.values[name])] = name
		}
	}
	return all
}
