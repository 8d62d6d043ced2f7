package desired

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// Dependencies reads the annotation depends-on, in the form of cli-utils: group/kind/name or
// group/namespaces/namespace/kind/name, joined by commas. The core group is empty.
func Dependencies(annotations map[string]string) (needs []object.Key, malformed string) {
	for text := range strings.SplitSeq(annotations[DependsOn], ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		switch parts := strings.Split(text, "/"); {
		case len(parts) == 3:
			needs = append(needs, object.Key{Group: parts[0], Kind: parts[1], Name: parts[2]})
		case len(parts) == 5 && parts[1] == "namespaces":
			needs = append(needs, object.Key{Group: parts[0], Namespace: parts[2], Kind: parts[3], Name: parts[4]})
		default:
			return nil, text
		}
	}
	return needs, ""
}

// orderByDependencies puts each object behind what it depends on: at least into the same stage, one level deeper. What
// is not in the app, or depends on itself, is refused.
func orderByDependencies(objects []*Object) manifest.Problems {
	var problems manifest.Problems
	byKey := map[object.Key]*Object{}
	for _, o := range objects {
		byKey[o.Key()] = o
	}
	refuse := func(o *Object, advice, format string, args ...any) {
		problems = append(problems, manifest.Problem{Origin: o.Origin, Object: o.ID(), Hint: advice,
			Message: "annotation " + DependsOn + ": " + fmt.Sprintf(format, args...)})
	}
	for _, o := range objects {
		if o.Hook != nil {
			continue
		}
		needs, malformed := Dependencies(o.Manifest.GetAnnotations())
		if malformed != "" {
			refuse(o, "write group/namespaces/NAMESPACE/Kind/NAME, or group/Kind/NAME without namespace; the core group is empty",
				"%q does not name an object", malformed)
		}
		for _, k := range needs {
			switch target := byKey[k]; {
			case target == nil:
				refuse(o, "name an object of the same app", "%s is not in this app", KeyText(k))
			case target.Hook != nil:
				refuse(o, "hooks run before, with or after everything", "%s is a hook", KeyText(k))
			default:
				o.Needs = append(o.Needs, k)
			}
		}
	}
	done := map[*Object]bool{}
	for _, o := range objects {
		if cycle := place(o, byKey, done, nil); cycle != nil && len(problems) == 0 {
			refuse(cycle[0], "remove one of these dependencies", "%s", cycleText(cycle))
		}
	}
	return problems
}

// place sets when o is applied at the earliest, after it has placed what o needs. It returns the objects of a cycle.
func place(o *Object, byKey map[object.Key]*Object, done map[*Object]bool, path []*Object) (cycle []*Object) {
	if i := slices.Index(path, o); i >= 0 {
		return path[i:]
	}
	if done[o] {
		return nil
	}
	path = append(path, o)
	for _, k := range o.Needs {
		if cycle := place(byKey[k], byKey, done, path); cycle != nil {
			return cycle
		}
		if s := byKey[k].Stage(); s.Compare(o.Stage()) >= 0 {
			s.Depth++
			o.after = s
		}
	}
	done[o] = true
	return nil
}

func cycleText(cycle []*Object) string {
	var names []string
	for _, o := range append(cycle, cycle[0]) {
		names = append(names, o.Ref.String())
	}
	return strings.Join(names, " needs ")
}

// KeyText returns the name of an object for messages.
func KeyText(k object.Key) string {
	text := k.Kind + "/" + k.Name
	if k.Group != "" {
		text = k.Group + "/" + text
	}
	if k.Namespace != "" {
		text += " in namespace " + k.Namespace
	}
	return text
}
