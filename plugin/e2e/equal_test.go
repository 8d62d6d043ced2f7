package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// equalsGit compares the cluster with the last commit: every object is there, is labelled as ours, is not about to be
// deleted and holds every value that Git sets. Our label is on nothing else but the strangers, which must be there.
func (s *site) equalsGit(strangers ...string) error {
	ctx := context.Background()
	id, err := s.id(ctx)
	if err != nil {
		return err
	}
	var wrong []error
	want := map[string]bool{}
	for _, name := range strangers {
		want[name] = true
	}
	for _, d := range s.desired {
		name := d.GetKind() + "/" + d.GetName()
		want[name] = true
		live, err := s.kind(d.GetKind()).Get(ctx, d.GetName(), metav1.GetOptions{})
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Errorf("lost: %w", err))
		case live.GetDeletionTimestamp() != nil:
			wrong = append(wrong, fmt.Errorf("%s is being deleted", name))
		case live.GetLabels()[labelPartOf] != id:
			wrong = append(wrong, fmt.Errorf("%s has lost its label", name))
		default:
			wrong = append(wrong, differences(name, d.Object, live.Object)...)
		}
	}
	for kind := range s.resources() {
		members, err := s.kind(kind).List(ctx, metav1.ListOptions{LabelSelector: labelPartOf + "=" + id})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		if err != nil {
			continue // no CRD of widgets
		}
		for _, u := range members.Items {
			name := kind + "/" + u.GetName()
			if !want[name] && u.GetDeletionTimestamp() == nil {
				wrong = append(wrong, fmt.Errorf("orphaned: %s is labelled as ours, but not in Git", name))
			}
		}
	}
	for _, name := range strangers {
		if err := s.strangerLives(ctx, name); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

func (s *site) strangerLives(ctx context.Context, name string) error {
	u, err := s.kind("ConfigMap").Get(ctx, name[len("ConfigMap/"):], metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("somebody else's object is gone: %w", err)
	}
	if u.GetDeletionTimestamp() != nil {
		return fmt.Errorf("somebody else's %s was deleted", name)
	}
	return nil
}

// id is the ApplySet id of the app, as its parent says.
func (s *site) id(ctx context.Context) (string, error) {
	parent, err := s.client.Resource(s.resources()["ConfigMap"]).Namespace(s.instance).Get(ctx, "gitops-app", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return parent.GetLabels()[labelID], nil
}

// differences lists the values of want that live does not have. Lists are compared item by item.
func differences(at string, want, live any) []error {
	switch w := want.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			break
		}
		var out []error
		for _, k := range slices.Sorted(maps.Keys(w)) {
			out = append(out, differences(at+"."+k, w[k], l[k])...)
		}
		return out
	case []any:
		l, ok := live.([]any)
		if !ok || len(l) != len(w) {
			break
		}
		var out []error
		for i := range w {
			out = append(out, differences(fmt.Sprintf("%s[%d]", at, i), w[i], l[i])...)
		}
		return out
	default:
		if reflect.DeepEqual(want, live) {
			return nil
		}
	}
	return []error{fmt.Errorf("%s is %s, Git says %s", at, jsonOf(live), jsonOf(want))}
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// onlyData checks that ConfigMaps hold no data but Git's: what was in the commit before is gone.
func (s *site) onlyData() error {
	var wrong []error
	for _, d := range s.desired {
		if d.GetKind() != "ConfigMap" {
			continue
		}
		live, err := s.kind("ConfigMap").Get(context.Background(), d.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		want, _, _ := unstructured.NestedStringMap(d.Object, "data")
		have, _, _ := unstructured.NestedStringMap(live.Object, "data")
		if !maps.Equal(want, have) {
			wrong = append(wrong, fmt.Errorf("%s holds %v, Git says %v", d.GetName(), have, want))
		}
	}
	return errors.Join(wrong...)
}
