package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// charts renders the helmCharts of a kustomization with our own renderer and lets the library read the result as one
// more resource, a file that exists in this render only. Tests and rollback hooks are left out, as of any chart.
func (s *survey) charts(k *kustomization) error {
	if len(k.spec.HelmCharts) == 0 {
		return nil
	}
	before := len(s.problems)
	var names []string
	for i, c := range k.spec.HelmCharts {
		objects, err := s.chart(k, c)
		if err != nil {
			if err = s.refuse(err); err != nil {
				return err
			}
			continue
		}
		name := fmt.Sprintf(".gitops-chart-%d.yaml", i)
		if err := s.addGenerated(path.Join(k.dir, name), objects); err != nil {
			return err
		}
		k.items = min(k.items+len(objects), s.limits.Objects+1)
		if len(objects) > 0 {
			names = append(names, name)
		}
	}
	if len(s.problems) > before {
		return nil
	}
	return s.rewrite(k, names)
}

// chart renders one entry of helmCharts.
func (s *survey) chart(k *kustomization, c types.HelmChart) ([]Object, error) {
	line := max(k.lines.of(c.Name), k.lines.of("helmCharts"))
	home := types.HelmDefaultHome
	if g := k.spec.HelmGlobals; g != nil && g.ChartHome != "" {
		home = g.ChartHome
	}
	if c.Version != "" && c.Repo != "" {
		home = path.Join(home, c.Name+"-"+c.Version)
	}
	dir := path.Join(k.dir, home, c.Name)
	switch {
	case c.Name == "":
		return nil, k.problem(line, "", "a chart of helmCharts has no name")
	case path.IsAbs(home), dir == "..", strings.HasPrefix(dir, "../"):
		return nil, k.problem(line, "only files of the repository are read", "the chart %s leaves the repository", c.Name)
	case c.NameTemplate != "" || c.ReleaseName == "":
		return nil, k.problem(line, "a generated name would be another one each time", "the chart %s needs a releaseName, and no nameTemplate", c.Name)
	case !s.exists(path.Join(dir, "Chart.yaml")):
		return nil, k.problem(line, "commit the chart below "+path.Join(k.dir, home)+": `helm pull --untar`", "there is no chart %q, and charts of a kustomization are not fetched", dir)
	}
	h := &helmRender{tree: s.tree, ctx: s.ctx, dir: dir, options: s.options}
	h.helm = Helm{Release: c.ReleaseName, Namespace: cmp.Or(c.Namespace, s.namespace())}
	if c.KubeVersion != "" {
		h.options.Capabilities.KubeVersion = c.KubeVersion
	}
	if h.options.Capabilities.APIVersions == nil {
		h.moreVersions = c.ApiVersions
	}
	values, err := s.chartValues(k, h, c)
	if err != nil || len(s.problems) > 0 {
		return nil, err
	}
	manifests, err := h.manifests(values)
	if err != nil {
		return nil, err
	}
	var kept []chart.Manifest
	for _, m := range manifests {
		if m.Plain && !c.IncludeCRDs || m.Hook != nil && c.SkipHooks {
			continue
		}
		kept = append(kept, m)
	}
	return h.objects(kept)
}

// chartValues merges the values of an entry as Kustomize does.
func (s *survey) chartValues(k *kustomization, h *helmRender, c types.HelmChart) (map[string]any, error) {
	values := map[string]any{}
	read := func(name string) (map[string]any, error) {
		data, err := s.file(k, name)
		if err != nil || data == nil {
			return nil, err
		}
		full := k.at(name)
		before := len(s.problems)
		if h.parses(full, data, true); len(s.problems) > before {
			return nil, nil
		}
		h.values = append(h.values, valuesFile{full, data})
		found, err := loader.LoadValues(bytes.NewReader(data))
		if err != nil {
			return nil, Problem{Origin: Origin{File: full}, Message: "the values are not a mapping"}
		}
		return found, nil
	}
	var err error
	if c.ValuesFile != "" && c.ValuesMerge != "replace" {
		if values, err = read(c.ValuesFile); err != nil {
			return nil, err
		}
	}
	switch c.ValuesMerge {
	case "", "override", "replace":
		values = loader.MergeMaps(values, c.ValuesInline)
	case "merge":
		values = loader.MergeMaps(c.ValuesInline, values)
	default:
		return nil, k.problem(k.lines.of("valuesMerge"), "one of override, merge, replace", "valuesMerge %q is not known", c.ValuesMerge)
	}
	for _, name := range c.AdditionalValuesFiles {
		more, err := read(name)
		if err != nil {
			return nil, err
		}
		values = loader.MergeMaps(values, more)
	}
	return values, nil
}

// addGenerated makes objects readable as a file.
func (s *survey) addGenerated(file string, objects []Object) error {
	var text bytes.Buffer
	for _, o := range objects {
		copied := o.DeepCopy()
		annotations := copied.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[konfig.HelmGeneratedAnnotation] = "true" // the library takes it off, and leaves explicit namespaces alone
		copied.SetAnnotations(annotations)
		data, err := json.Marshal(copied.Object)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s\n---\n", data)
		s.problems = append(s.problems, kustomizable(o)...)
		s.keepSecret(o)
	}
	s.plain[file] = text.Bytes()
	s.docs[file] = objects
	return nil
}

// rewrite replaces the charts of a kustomization by resources.
func (s *survey) rewrite(k *kustomization, names []string) error {
	var fields map[string]any
	asJSON, err := yaml.YAMLToJSON(k.data)
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &fields)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Origin{File: k.file}, err)
	}
	for key := range fields { // the library does not mind the case of keys
		switch strings.ToLower(key) {
		case "helmcharts", "helmglobals", "helmchartinflationgenerator", "resources", "bases":
			delete(fields, key)
		}
	}
	fields["resources"] = append(append([]string{}, k.spec.Resources...), names...)
	if k.data, err = json.Marshal(fields); err != nil {
		return err
	}
	s.plain[k.file] = k.data
	return nil
}

// namespace is that of the kustomization being visited, or of the nearest above that has one.
func (s *survey) namespace() string { return s.namespaces[len(s.namespaces)-1] }
