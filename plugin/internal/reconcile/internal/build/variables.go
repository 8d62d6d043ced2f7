package build

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// Variables are the variables of an app whose settings name ConfigMaps or Secrets, with their values, and what these give to its chart.
type Variables struct {
	values  map[string]any
	secret  map[string]string // names whose values come from Secrets, and the name of the Secret
	plain   []string          // those of secret that may be used everywhere, and shown
	given   []render.GivenValues
	Version string // of the ConfigMaps and Secrets; it changes when one of them does
}

// VariableReader reads the variables of an app, and values of its chart, from the namespace of the instance.
type VariableReader struct {
	Client    *cluster.Client // reads with the rights of the app
	Namespace string          // of the instance
	App       app.App         // whose settings name ConfigMaps and Secrets
	// IsCredentials reports whether the instance takes its credentials from an object.
	IsCredentials func(ctx context.Context, ref cluster.Ref) (bool, error)
}

// Read reads the ConfigMaps and Secrets that the settings of the app name, with one request each. It returns nil when they
// name none. It fails when one that is not optional is missing, is not allowed to the app, or belongs to the instance.
func (r *VariableReader) Read(ctx context.Context) (*Variables, error) {
	s := r.App.Substitute
	if s == nil {
		s = &app.Substitute{}
	}
	if len(s.From) == 0 && len(r.App.Helm.ValuesFrom) == 0 {
		return nil, nil
	}
	read := &Variables{values: map[string]any{}, secret: map[string]string{}}
	for _, from := range s.From {
		if err := r.readFrom(ctx, read, from); err != nil {
			return nil, err
		}
	}
	for _, from := range r.App.Helm.ValuesFrom {
		if err := r.readValues(ctx, read, from); err != nil {
			return nil, err
		}
	}
	for name, value := range s.Vars {
		read.set(name, value, "", false)
	}
	return read, nil
}

// readFrom adds the values of one ConfigMap or Secret.
func (r *VariableReader) readFrom(ctx context.Context, s *Variables, from app.SubstituteFrom) error {
	secret := from.Kind == "Secret"
	ref := refOf(from.Kind, r.Namespace, from.Name)
	if err := r.mayRead(ref); err != nil {
		return err
	}
	live, err := r.Client.Get(ctx, ref)
	if from.Optional && apierrors.IsNotFound(err) {
		s.Version += fmt.Sprintf("%s/%s is missing;", from.Kind, from.Name)
		return nil
	}
	if err != nil {
		return hint.With(fmt.Errorf("variables of %s: %s/%s in namespace %s: %w", r.App.Name, from.Kind, from.Name, r.Namespace, err),
			"create it, take it out of substitute.from, or say optional: true there")
	}
	if err := r.guardRead(ctx, ref, live); err != nil {
		return err
	}
	s.Version += fmt.Sprintf("%s/%s@%s:%s;", from.Kind, from.Name, live.GetUID(), live.GetResourceVersion())
	values, _ := live.Object["data"].(map[string]any)
	for name, value := range values {
		text, _ := value.(string)
		if secret {
			plain, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return fmt.Errorf("variables of %s: %s of Secret/%s is not base64", r.App.Name, name, from.Name)
			}
			text = string(plain)
		}
		if r.App.Substitute.Dialect == app.DialectFlux {
			text = strings.ReplaceAll(text, "\n", "") // the form in which it is inserted is the one to mask
		}
		if !secret {
			s.set(name, text, "", false)
			continue
		}
		s.set(name, text, from.Name, isPlain(name, from.Plain))
	}
	return nil
}

// refOf returns the ConfigMap or Secret of a name.
func refOf(kind, namespace, name string) cluster.Ref {
	k := cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	if kind == "Secret" {
		k = cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
	}
	return cluster.Ref{Kind: k, Namespace: namespace, Name: name}
}

// isPlain reports whether patterns say that a value of a Secret may be shown.
func isPlain(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		fits, err := path.Match(pattern, name)
		return err == nil && fits
	})
}

// mayRead refuses an object that the app may not contain. An app with a service account reads with the rights of that
// account, so the API server decides. Any other app reads with the rights of the instance, and so may read only what it may
// contain.
func (r *VariableReader) mayRead(ref cluster.Ref) error {
	if r.App.ServiceAccount != "" {
		return nil
	}
	if why, _ := r.App.Allow.Refuses(ref); why != "" {
		return hint.With(fmt.Errorf("variables of %s: %s in namespace %s: the app is confined, and may not read it: %s", r.App.Name, ref, ref.Namespace, why),
			"write the values into substitute.vars, or give the app a serviceAccount that may read it")
	}
	return nil
}

// guardRead refuses the objects of the instance itself: its records and its credentials.
func (r *VariableReader) guardRead(ctx context.Context, ref cluster.Ref, live *unstructured.Unstructured) error {
	own := record.Reserved(ref, live, r.Namespace) != "" || record.IsMarked(live)
	if !own && ref.Kind.Kind == "Secret" && app.HoldsCredentials(live) { // what has none of these keys is not worth a request
		var err error
		if own, err = r.IsCredentials(ctx, ref); err != nil {
			return fmt.Errorf("variables of %s: %w", r.App.Name, err)
		}
	}
	if own {
		return hint.Errorf(fmt.Sprintf("variables of %s: %s in namespace %s belongs to the instance itself, and no app reads it", r.App.Name, ref, ref.Namespace),
			"put what the app needs into an object of its own")
	}
	return nil
}

// set gives a variable its value. secret is the name of the Secret that the value comes from, "" for none.
func (s *Variables) set(name string, value any, secret string, plain bool) {
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

// Hidden returns the values that must not be shown, each with the name of its variable.
func (s *Variables) Hidden() map[string]string {
	all := map[string]string{}
	for name := range s.secret {
		if !slices.Contains(s.plain, name) {
			all[fmt.Sprint(s.values[name])] = name
		}
	}
	return all
}
