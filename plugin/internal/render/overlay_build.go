package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// build builds a kustomization with its overlay. What matches nothing is left out, with a warning: the library refuses some of
// that, and says nothing of the rest.
func (l *layer) build(ctx context.Context, s *survey, top *kustomization) ([]Object, error) {
	bare, steps := top.data, slices.Clone(l.steps)
	var left []step
	for {
		if err := top.with(bare, steps); err != nil {
			return nil, err
		}
		objects, err := s.run(ctx, top)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			i := absent(err, steps)
			if i < 0 {
				return nil, culprit(ctx, s, top, bare, steps, err)
			}
			left, steps = append(left, steps[i]), slices.Delete(slices.Clone(steps), i, i+1)
			continue
		}
		l.steps = steps
		more, err := idle(ctx, s, top, bare, steps)
		if err != nil {
			return nil, err
		}
		if err := top.with(bare, steps); err != nil {
			return nil, err
		}
		for _, one := range slices.Concat(left, more) {
			s.options.warn(Problem{Origin: one.at, Message: one.what}.Error())
		}
		for _, o := range objects {
			l.describe(o)
		}
		return objects, nil
	}
}

// with makes the data of a kustomization those of bare with steps.
func (k *kustomization) with(bare []byte, steps []step) error {
	var fields map[string]any
	asJSON, err := yaml.YAMLToJSON(bare)
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &fields)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Origin{File: k.file}, err)
	}
	if fields == nil {
		fields = map[string]any{}
	}
	for _, one := range steps {
		add(fields, one.field, one.value)
	}
	k.data, err = safeyaml.JSON(fields)
	return err
}

// add adds a value to a field of a kustomization: to its list, or in the place of its text.
func add(fields map[string]any, field string, value any) {
	var list []any
	for key, old := range fields { // the library does not mind the case of keys
		if sameKey(key, field) {
			list, _ = old.([]any)
			delete(fields, key)
		}
	}
	switch field {
	case "components", "patches":
		fields[field] = append(slices.Clone(list), value)
	case "images", "replicas":
		fields[field] = merged(list, field, value.(map[string]any))
	default:
		fields[field] = value
	}
}

// merged adds an image or a number of replicas to a list. One of the same name is changed, as Flux and Argo CD do: a new tag or digest
// takes the place of both.
func merged(list []any, field string, value map[string]any) []any {
	list = slices.Clone(list)
	for i, item := range list {
		old, _ := item.(map[string]any)
		if name := texts(old, "name"); len(name) != 1 || name[0] != value["name"] {
			continue
		}
		changed := map[string]any{}
		for key, kept := range old {
			version := sameKey(key, "newTag") || sameKey(key, "digest") || sameKey(key, "tagSuffix")
			replaced := version && (value["newTag"] != nil || value["digest"] != nil) || sameKey(key, "newName") && value["newName"] != nil || sameKey(key, "count")
			if !replaced {
				changed[key] = kept
			}
		}
		for key, given := range value {
			if key != "name" {
				changed[key] = given
			}
		}
		list[i] = changed
		return list
	}
	return append(list, value)
}

var (
	noTarget   = regexp.MustCompile(`no matches for Id [^;]*; failed to find unique target for patch (.*)$`)
	noWorkload = regexp.MustCompile(`(?s)^resource with name (.*) does not match a config with the following GVK`)
)

// absent returns which step an error is about because what it is for does not exist, -1 when it is about something else.
func absent(err error, steps []step) int {
	var said libraryError
	if !errors.As(err, &said) {
		return -1
	}
	for field, pattern := range map[string]*regexp.Regexp{"patches": noTarget, "replicas": noWorkload} {
		if m := pattern.FindStringSubmatch(said.raw); m != nil && !strings.HasPrefix(said.raw, "accumulating ") {
			return slices.IndexFunc(steps, func(s step) bool { return s.field == field && s.only == m[1] })
		}
	}
	return -1
}

// culprit finds the first step with which the build fails, and says where it is written.
func culprit(ctx context.Context, s *survey, top *kustomization, bare []byte, steps []step, failure error) error {
	fails := func(n int) (error, error) {
		if err := top.with(bare, steps[:n]); err != nil {
			return nil, err
		}
		_, _, err := s.build(ctx, top, false)
		return err, ctx.Err()
	}
	without, err := fails(0)
	if err != nil {
		return err
	}
	if without != nil && !strings.Contains(without.Error(), listsNothing) {
		return top.elsewhere(without, top.layer.at(""))
	}
	good, bad := 0, len(steps)
	for bad-good > 1 {
		middle := (good + bad) / 2
		found, err := fails(middle)
		if err != nil {
			return err
		}
		if found == nil {
			good = middle
		} else {
			bad, failure = middle, found
		}
	}
	if bad == 0 {
		return failure
	}
	return top.elsewhere(failure, steps[bad-1].at)
}

// elsewhere moves an error about the kustomization itself to where the overlay is written. Errors about other files stay.
func (k *kustomization) elsewhere(err error, at Origin) error {
	var p Problem
	if !errors.As(err, &p) {
		return err
	}
	if n, ok := k.given.named(p.Message); ok {
		p.Origin, p.Object = k.given.objects[n].Origin, k.given.objects[n].ID()
		return p
	}
	if p.Origin.File == k.file || p.Origin.File == k.dir || isOfHome(p.Origin.File) {
		p.Origin = at
	}
	return p
}

// idle returns the steps that match nothing although the library says nothing of that. First it looks at the objects in the files.
// Where they leave a doubt, because Kustomize names and generates some, one more build marks what each step matches.
func idle(ctx context.Context, s *survey, top *kustomization, bare []byte, steps []step) ([]step, error) {
	marked := slices.Clone(steps)
	var doubts []int
	for i, one := range steps {
		switch {
		case one.target != nil && !anySelected(s, one.target):
			marked[i].value = map[string]any{"target": one.target.fields(), "patch": fmt.Sprintf("{apiVersion: v1, kind: Any, metadata: {name: any, annotations: {%s: any}}}", mark(i))}
		case one.field == "images" && !anyHasImage(s, one.value.(map[string]any)["name"].(string)):
			marked[i].value = map[string]any{"name": one.value.(map[string]any)["name"], "newName": mark(i)}
		default:
			continue
		}
		doubts = append(doubts, i)
	}
	if len(doubts) == 0 {
		return nil, nil
	}
	if err := top.with(bare, marked); err != nil {
		return nil, err
	}
	objects, _, err := s.build(ctx, top, false)
	if ctx.Err() != nil || err != nil {
		return nil, ctx.Err()
	}
	var all bytes.Buffer
	for _, o := range objects {
		text, err := json.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		all.Write(text)
	}
	var found []step
	for _, i := range doubts {
		if !bytes.Contains(all.Bytes(), []byte(mark(i))) {
			found = append(found, steps[i])
		}
	}
	return found, nil
}

// anySelected reports whether a target selects an object in the files.
func anySelected(s *survey, target *OverlayTarget) bool {
	selects, err := target.matcher()
	if err != nil {
		return false
	}
	for _, objects := range s.docs {
		if slices.ContainsFunc(objects, selects) {
			return true
		}
	}
	return false
}

// anyHasImage reports whether a container of an object in the files has an image.
func anyHasImage(s *survey, name string) bool {
	pattern, err := imagePattern(name)
	if err != nil {
		return false
	}
	for _, objects := range s.docs {
		if slices.ContainsFunc(objects, func(o Object) bool { return hasContainerOf(o.Object, pattern) }) {
			return true
		}
	}
	return false
}

// hasContainerOf reports whether a container anywhere below a value has an image that matches.
func hasContainerOf(value any, image *regexp.Regexp) bool {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			containers, _ := inner.([]any)
			for _, c := range containers {
				fields, _ := c.(map[string]any)
				if text, _ := fields["image"].(string); (key == "containers" || key == "initContainers") && image.MatchString(text) {
					return true
				}
			}
			if hasContainerOf(inner, image) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return hasContainerOf(inner, image) })
	}
	return false
}

// mark is a name by which what a step matches is found again.
func mark(i int) string { return fmt.Sprintf("gitops-match-%d-x", i) }
