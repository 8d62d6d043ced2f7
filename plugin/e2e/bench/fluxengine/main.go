// Command fluxengine makes one pass over a directory of manifests as Flux' kustomize-controller does once it has built
// them: the same library, the same options, its concurrency of four, no client-side rate limit. What it applied last
// is kept in a file, where the controller has the status of its Kustomization.
//
// It does NOT fetch, build, decrypt, substitute, wait for health or write a status: all of that is left out in favour
// of the peer.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	group       = "kustomize.toolkit.fluxcd.io"
	manager     = "kustomize-controller"
	concurrency = 4
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: fluxengine MANIFESTS INVENTORY-FILE NAME")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, inventory, name string) error {
	m, err := connect()
	if err != nil {
		return err
	}
	objects, err := read(dir)
	if err != nil {
		return err
	}
	if err := normalize.UnstructuredList(objects); err != nil {
		return err
	}
	m.SetOwnerLabels(objects, name, "flux-system")
	stale, err := gone(inventory, objects)
	if err != nil {
		return err
	}
	if err := apply(ctx, m, objects); err != nil {
		return err
	}
	if len(stale) > 0 {
		opts := ssa.DefaultDeleteOptions()
		opts.Inclusions = m.GetOwnerLabels(name, "flux-system")
		if _, err := m.DeleteAll(ctx, stale, opts); err != nil {
			return err
		}
	}
	return keep(inventory, objects)
}

func connect() (*ssa.ResourceManager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = -1, -1 // as Flux does where the server has priority and fairness
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	m := ssa.NewResourceManager(c, polling.NewStatusPoller(c, c.RESTMapper(), polling.Options{}), ssa.Owner{Field: manager, Group: group})
	m.SetConcurrency(concurrency)
	return m, nil
}

// apply makes the two stages that the sets need, without the wait between them.
func apply(ctx context.Context, m *ssa.ResourceManager, objects []*unstructured.Unstructured) error {
	opts := ssa.DefaultApplyOptions()
	opts.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: manager, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{group + "/ssa": "Merge"},
	}
	var first, rest []*unstructured.Unstructured
	for _, o := range objects {
		if utils.IsClusterDefinition(o) {
			first = append(first, o)
		} else {
			rest = append(rest, o)
		}
	}
	for _, stage := range [][]*unstructured.Unstructured{first, rest} {
		if _, err := m.ApplyAll(ctx, stage, opts); err != nil {
			return err
		}
	}
	return nil
}

func read(dir string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var all []*unstructured.Unstructured
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		objects, err := utils.ReadObjects(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, objects...)
	}
	return all, nil
}

// entry is an object of the inventory.
type entry struct{ APIVersion, Kind, Namespace, Name string }

func entryOf(o *unstructured.Unstructured) entry {
	return entry{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName()}
}

// gone returns what the inventory names and objects do not.
func gone(inventory string, objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	data, err := os.ReadFile(inventory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var entries []entry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, err
	}
	wanted := map[entry]bool{}
	for _, o := range objects {
		wanted[entryOf(o)] = true
	}
	var stale []*unstructured.Unstructured
	for _, e := range entries {
		if wanted[e] {
			continue
		}
		o := &unstructured.Unstructured{}
		o.SetAPIVersion(e.APIVersion)
		o.SetKind(e.Kind)
		o.SetNamespace(e.Namespace)
		o.SetName(e.Name)
		stale = append(stale, o)
	}
	return stale, nil
}

func keep(inventory string, objects []*unstructured.Unstructured) error {
	entries := make([]entry, len(objects))
	for i, o := range objects {
		entries[i] = entryOf(o)
	}
	data, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	return os.WriteFile(inventory, data, 0o600)
}
