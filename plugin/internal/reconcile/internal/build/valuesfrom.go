package build

import (
	"context"
	"encoding/base64"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// readValues adds the values of a chart that one ConfigMap or Secret has. One that is missing is an error, unless it is optional.
func (r *VariableReader) readValues(ctx context.Context, read *Variables, from app.ValuesFrom) error {
	ref := refOf(from.Kind, r.Namespace, from.Name)
	if err := r.mayRead(ref); err != nil {
		return err
	}
	live, err := r.Client.Get(ctx, ref)
	if apierrors.IsNotFound(err) {
		if from.Optional {
			read.Version += fmt.Sprintf("%s/%s@;", from.Kind, from.Name)
			return nil
		}
		return missing(from, fmt.Sprintf("%s/%s in namespace %s does not exist", from.Kind, from.Name, ref.Namespace))
	}
	if err != nil {
		return fmt.Errorf("values of %s: %s/%s in namespace %s: %w", r.App.Name, from.Kind, from.Name, ref.Namespace, err)
	}
	if err := r.guardRead(ctx, ref, live); err != nil {
		return err
	}
	read.Version += fmt.Sprintf("%s/%s@%s:%s;", from.Kind, from.Name, live.GetUID(), live.GetResourceVersion())
	data, _ := live.Object["data"].(map[string]any)
	text, found := data[from.Key].(string)
	if !found {
		if from.Optional {
			return nil
		}
		return missing(from, fmt.Sprintf("%s/%s in namespace %s has no key %s", from.Kind, from.Name, ref.Namespace, from.Key))
	}
	if from.Kind == "Secret" {
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("values of %s: %s of Secret/%s is not base64", r.App.Name, from.Key, from.Name)
		}
		text = string(plain)
	}
	read.given = append(read.given, render.GivenValues{From: from.Kind + "/" + from.Name, Text: text, TargetPath: from.TargetPath,
		Secret: from.Kind == "Secret", Origin: from.Origin})
	return nil
}

func missing(from app.ValuesFrom, what string) error {
	return manifest.Problems{{Origin: from.Origin, Message: "helm.valuesFrom: " + what, Hint: "create it, or set optional: true", Elsewhere: true}}
}
