package inspect

import (
	"context"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Applied is what the records, or else the parents, say of an app.
func (i *Inspector) Applied(ctx context.Context, name string) (record.Applied, error) {
	k, err := i.known(ctx)
	if err != nil {
		return record.Applied{}, err
	}
	a, ok := k.applied(name)
	if !ok {
		return record.Applied{}, fmt.Errorf("no app %s in namespace %s", name, i.Records.Instance())
	}
	return a, nil
}

// appOf is what a record says of its app.
func appOf(rec *record.Record) record.Applied {
	return record.Applied{Name: rec.App, Source: rec.Source, List: rec.List, Record: rec}
}
