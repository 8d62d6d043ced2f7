package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// dependencies reads the annotation depends-on, in the form of cli-utils: group/kind/name or
// group/namespaces/namespace/kind/name, joined by commas. The core group is empty.
func dependencies(annotations map[string]string) (needs []record.Key, malformed string) {
	for text := range strings.SplitSeq(annotations[desired.DependsOn], ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		switch parts := strings.Split(text, "/"); {
		case len(parts) == 3:
			needs = append(needs, record.Key{Group: parts[0], Kind: parts[1], Name: parts[2]})
		case len(parts) == 5 && parts[1] == "namespaces":
			needs = append(needs, record.Key{Group: parts[0], Namespace: parts[2], Kind: parts[3], Name: parts[4]})
		default:
			return nil, text
		}
	}
	return needs, ""
}

// orderByDependencies puts each object behind what it depends on: at least into the same stage, one level deeper. What
// is not in the app, or depends on itself, is refused.
func orderByDependencies(objects []*object) manifest.Problems {
	var problems manifest.Problems
	byKey := map[record.Key]*object{}
	for _, o := range objects {
		byKey[o.key()] = o
	}
	refuse := func(o *object, advice, format string, args ...any) {
		problems = append(problems, manifest.Problem{Origin: o.origin, Object: o.ID(), Hint: advice,
			Message: "annotation " + desired.DependsOn + ": " + fmt.Sprintf(format, args...)})
	}
	for _, o := range objects {
		if o.hook != nil {
			continue
		}
		needs, malformed := dependencies(o.manifest.GetAnnotations())
		if malformed != "" {
			refuse(o, "write group/namespaces/NAMESPACE/Kind/NAME, or group/Kind/NAME without namespace; the core group is empty",
				"%q does not name an object", malformed)
		}
		for _, k := range needs {
			switch target := byKey[k]; {
			case target == nil:
				refuse(o, "name an object of the same app", "%s is not in this app", keyText(k))
			case target.hook != nil:
				refuse(o, "hooks run before, with or after everything", "%s is a hook", keyText(k))
			default:
				o.needs = append(o.needs, k)
			}
		}
	}
	done := map[*object]bool{}
	for _, o := range objects {
		if cycle := place(o, byKey, done, nil); cycle != nil && len(problems) == 0 {
			refuse(cycle[0], "take one of these dependencies out", "%s", cycleText(cycle))
		}
	}
	return problems
}

// place sets when o is applied at the earliest, after it has placed what o needs. It returns the objects of a cycle.
func place(o *object, byKey map[record.Key]*object, done map[*object]bool, path []*object) (cycle []*object) {
	if i := slices.Index(path, o); i >= 0 {
		return path[i:]
	}
	if done[o] {
		return nil
	}
	path = append(path, o)
	for _, k := range o.needs {
		if cycle := place(byKey[k], byKey, done, path); cycle != nil {
			return cycle
		}
		if s := byKey[k].stage(); s.compare(o.stage()) >= 0 {
			s.depth++
			o.after = s
		}
	}
	done[o] = true
	return nil
}

func cycleText(cycle []*object) string {
	var names []string
	for _, o := range append(cycle, cycle[0]) {
		names = append(names, o.Ref.String())
	}
	return strings.Join(names, " needs ")
}

func keyText(k record.Key) string {
	text := k.Kind + "/" + k.Name
	if k.Group != "" {
		text = k.Group + "/" + text
	}
	if k.Namespace != "" {
		text += " in namespace " + k.Namespace
	}
	return text
}

// pruneByDependencies puts each object that goes in front of what it depends on.
func pruneByDependencies(removals []removal) {
	byKey := map[record.Key]*removal{}
	for i := range removals {
		byKey[record.KeyOf(removals[i].row.Ref)] = &removals[i]
	}
	var deepen func(r *removal, path int)
	deepen = func(r *removal, path int) {
		needs, _ := dependencies(annotationsOf(r.live))
		for _, k := range needs {
			target := byKey[k]
			if target == nil || path > len(removals) { // a cycle: live annotations may say anything
				continue
			}
			deepen(target, path+1)
			if s := target.stage; s.compare(r.stage) >= 0 {
				s.depth++
				r.stage = s
			}
		}
	}
	for i := range removals {
		if annotationsOf(removals[i].live)[desired.DependsOn] != "" {
			deepen(&removals[i], 0)
		}
	}
}

// needed lists what the objects of a stage depend on.
func (p *pass) needed(next stage) []record.Key {
	var keys []record.Key
	for _, s := range p.plan.steps {
		if s.stage != next {
			continue
		}
		for _, k := range s.needs {
			if !p.failed[k] && !p.trusted[k] && !p.ignored[k] && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}
