package render

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// charts renders the helmCharts of a kustomization with our own renderer and lets the library read the result as one
// more resource, a file that exists in this render only. Tests and rollback hooks are left out, as of any chart.
func (s *survey) charts(k *kustomization) error {
	var needed *needsError // charts to fetch, all of a kustomization at once
	for i, c := range k.spec.HelmCharts {
		if c.Namespace == "" && k.spec.Namespace == "" {
			k.inherits = true
		}
		objects, err := s.chart(k, c)
		if needs := (*needsError)(nil); errors.As(err, &needs) {
			needed = needed.with(needs)
			continue
		}
		if err != nil {
			if err = s.refuse(err); err != nil {
				return err
			}
			continue
		}
		name := fmt.Sprintf(".gitops-chart-%d.yaml", i)
		if err := s.addGenerated(k, path.Join(k.shown, name), objects); err != nil {
			return err
		}
		k.items = min(k.items+len(objects), s.limits.Objects+1)
		if len(objects) > 0 {
			k.rendered = append(k.rendered, name)
		}
	}
	if needed != nil && len(s.problems) == 0 {
		return needed
	}
	return nil
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
	}
	h := &helmRender{tree: s.tree, ctx: s.ctx, dir: dir, options: s.options}
	if !s.exists(path.Join(dir, "Chart.yaml")) {
		if why := s.whyAbsent(path.Join(dir, "Chart.yaml")); why != nil {
			return nil, named(why, k, line, c.Name)
		}
		if c.Repo == "" {
			return nil, k.problem(line, "commit the chart below "+path.Join(k.dir, home)+", as `helm pull --untar` writes it, or give a repo", "there is no chart %q, and no repo to fetch it from", dir)
		}
		var err error
		need := chart.Need{Name: c.Name, Version: cmp.Or(c.Version, "*"), Repository: c.Repo}
		if h.named, err = fetched(NamedChart{Need: need, Origin: Origin{File: k.file, Line: line}}, s.options); err != nil {
			return nil, err
		}
	}
	h.helm = Helm{Release: c.ReleaseName, Namespace: cmp.Or(c.Namespace, s.namespace())}
	if c.KubeVersion != "" {
		h.options.Capabilities.KubeVersion = c.KubeVersion
	}
	h.moreVersions, h.noHooks = c.ApiVersions, c.SkipHooks
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
	if !h.encrypted {
		for _, m := range kept {
			s.rendered = append(s.rendered, []byte(m.Text)) // anybody can render it
		}
	}
	return h.objects(kept)
}

// chartValues merges the values of an entry as Kustomize and then Helm do.
func (s *survey) chartValues(k *kustomization, h *helmRender, c types.HelmChart) (map[string]any, error) {
	if !slices.Contains([]string{"", "override", "merge", "replace"}, c.ValuesMerge) {
		return nil, k.problem(k.lines.of("valuesMerge"), "one of override, merge, replace", "valuesMerge %q is not known", c.ValuesMerge)
	}
	data, err := s.valuesFile(k, h, c)
	if err != nil {
		return nil, err
	}
	if len(c.ValuesInline) > 0 {
		if data, err = inlineValues(data, c); err != nil {
			return nil, k.problem(k.lines.of("valuesInline"), "", "the values cannot be merged") // its text may quote a value
		}
	}
	values, err := loader.LoadValues(bytes.NewReader(data))
	if err != nil {
		return nil, k.problem(k.lines.of(c.ValuesFile), "", "the values of the chart %s are not a mapping", c.Name)
	}
	for _, name := range c.AdditionalValuesFiles {
		data, err := s.values(k, h, name)
		if err != nil {
			return nil, err
		}
		more, err := loader.LoadValues(bytes.NewReader(data))
		if err != nil {
			return nil, Problem{Origin: Origin{File: k.at(name)}, Message: "the values are not a mapping"}
		}
		values = loader.MergeMaps(values, more)
	}
	return values, nil
}

// valuesFile reads the values file of an entry: the chart's own unless it names one.
func (s *survey) valuesFile(k *kustomization, h *helmRender, c types.HelmChart) ([]byte, error) {
	if c.ValuesFile != "" {
		return s.values(k, h, c.ValuesFile)
	}
	if h.named != nil {
		return h.named.file("values.yaml"), nil
	}
	name := path.Join(h.dir, "values.yaml")
	if !s.exists(name) {
		return nil, nil
	}
	data, err := s.readFile(name)
	if err != nil {
		return nil, err
	}
	return h.decryptValues(name, data) // what is wrong with its text is said when the chart is loaded
}

// values reads a values file that a kustomization names; nil when it was refused.
func (s *survey) values(k *kustomization, h *helmRender, name string) ([]byte, error) {
	data, err := s.file(k, name)
	if err != nil || data == nil {
		return nil, err
	}
	full := k.at(name)
	text, err := h.decryptValues(full, data)
	if err != nil {
		return nil, s.refuse(err)
	}
	before := len(s.problems)
	if h.parses(full, text, true); len(s.problems) > before {
		return nil, nil
	}
	h.values = append(h.values, valuesFile{name: full, data: data})
	return text, nil
}

// inlineValues merges valuesInline and the text of the values file with the functions that Kustomize uses: a null in one
// removes what the other has.
func inlineValues(file []byte, c types.HelmChart) ([]byte, error) {
	values := c.ValuesInline
	if c.ValuesMerge != "replace" && len(bytes.TrimSpace(file)) > 0 {
		fromFile, err := kyaml.Parse(string(file))
		if err != nil {
			return nil, err
		}
		inline, err := kyaml.FromMap(c.ValuesInline)
		if err != nil {
			return nil, err
		}
		over, under := inline, fromFile
		if c.ValuesMerge == "merge" {
			over, under = fromFile, inline
		}
		merged, err := merge2.Merge(over, under, kyaml.MergeOptions{})
		if err != nil {
			return nil, err
		}
		if values, err = merged.Map(); err != nil {
			return nil, err
		}
	}
	return safeyaml.YAML(values)
}

// addGenerated makes objects of a chart of k readable as a file.
func (s *survey) addGenerated(k *kustomization, file string, objects []Object) error {
	var text bytes.Buffer
	for _, o := range objects {
		copied := o.DeepCopy()
		annotations := copied.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[konfig.HelmGeneratedAnnotation] = "true" // the library takes it off, and leaves explicit namespaces alone
		copied.SetAnnotations(annotations)
		data, err := safeyaml.JSON(copied.Object)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s\n---\n", data)
		s.problems = append(s.problems, kustomizable(o)...)
		s.keepSecret(o)
	}
	s.plain[file] = text.Bytes()
	s.docs[file] = objects
	s.generated[file] = k
	return nil
}
