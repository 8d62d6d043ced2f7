// Package preview compares two renderings of a config repository, object by object, and words the result for a pull
// request. It is pure: it reads and writes nothing, asks no cluster, and does not know what is live. Values of Secrets
// are never shown.
package preview

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// Change is what happens to an object, or an app, between base and head.
type Change string

// The changes. Failed is an app whose head cannot be rendered.
const (
	Added     Change = "added"
	Changed   Change = "changed"
	Removed   Change = "removed"
	Unchanged Change = "unchanged"
	Failed    Change = "failed"
)

// Preview is what `preview -o json` prints: what a change of the repository changes in the cluster. Apps lists the apps that
// change. NotRendered are changed files that no app is rendered from. Outside are such files outside of the directories that
// --path names. Omitted is the number of diffs that were left out to keep the document small.
type Preview struct {
	metav1.TypeMeta `json:",inline"`
	Base            Side     `json:"base"`
	Head            Side     `json:"head"`
	ImageOnly       bool     `json:"imageOnly"`
	Counts          Counts   `json:"counts"`
	AppCounts       Counts   `json:"appCounts"`
	Apps            []App    `json:"apps"`
	NotRendered     []string `json:"notRendered,omitempty"`
	Outside         []string `json:"outside,omitempty"`
	Omitted         int      `json:"omitted,omitempty"`
}

// Side names one state of the repository; both fields are empty for a directory.
type Side struct {
	Ref    string `json:"ref,omitempty"`
	Commit string `json:"commit,omitempty"`
}

// Counts is the number of objects, or apps, for each change.
type Counts struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Removed   int `json:"removed"`
	Unchanged int `json:"unchanged"`
	Failed    int `json:"failed,omitempty"`
}

func (c *Counts) add(change Change, n int) {
	switch change {
	case Added:
		c.Added += n
	case Changed:
		c.Changed += n
	case Removed:
		c.Removed += n
	case Failed:
		c.Failed += n
	default:
		c.Unchanged += n
	}
}

// App is what changes in one app. Entry is the directory of the gitops.yaml that lists it, when there are several. Settings
// are the settings in gitops.yaml that change. ImageOnly is true when only tags or digests of images change. Note says why the
// head could not be compared with the base. Withheld says why no run applies the change by itself. Error says why the head cannot be rendered.
type App struct {
	Name      string    `json:"name"`
	Entry     string    `json:"entry,omitempty"`
	Path      string    `json:"path"`
	Change    Change    `json:"change"`
	ImageOnly bool      `json:"imageOnly"`
	Counts    Counts    `json:"counts"`
	Settings  []string  `json:"settings,omitempty"`
	Changes   []Setting `json:"settingChanges,omitempty"`
	Objects   []Object  `json:"objects,omitempty"`
	Note      string    `json:"note,omitempty"`
	Withheld  string    `json:"withheld,omitempty"`
	Error     string    `json:"error,omitempty"`
	Hints     []string  `json:"hints,omitempty"`

	List string `json:"-"` // the gitops.yaml that lists it, "" where none does
}

// Setting is one setting of an app that changes. From and To are JSON. They are empty when the setting is not there, and for
// settings with values of any kind, such as the values of a chart.
type Setting struct {
	Name string `json:"name"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Object is one object that is added, changed or removed. Immutable lists changed fields that the API server does not allow
// to change. Kept means that an annotation or a setting keeps a removed object in the cluster. MovedTo names the app that takes the object
// over. Unmanaged says why a run does not do what Change says, although that is no error.
type Object struct {
	Object    string        `json:"object"` // group/Kind/namespace/name
	Change    Change        `json:"change"`
	Origin    string        `json:"origin,omitempty"` // file:line in the head, or in the base for a removed object
	Images    []ImageChange `json:"images,omitempty"`
	Immutable []string      `json:"immutable,omitempty"`
	Recreate  bool          `json:"recreate,omitempty"` // an annotation, or the settings of the app, allow a run to delete and recreate the object
	Kept      bool          `json:"kept,omitempty"`
	MovedTo   string        `json:"movedTo,omitempty"`
	Unmanaged string        `json:"unmanaged,omitempty"`
	Diff      string        `json:"diff,omitempty"`

	imageOnly bool
	namespace string // where it goes: its own namespace, or that of its app
}

// Rendering is one app as one side renders it. Objects is empty where the side does not have the app.
type Rendering struct {
	Name, Path string
	Entry      string         // see App
	List       string         // see App
	Namespace  string         // for objects that name none
	Settings   map[string]any // what gitops.yaml says of the app
	KeepAll    bool           // the app prunes nothing, or its objects stay when it leaves gitops.yaml
	Recreate   bool           // the app allows a run to delete and recreate its objects
	Withheld   string         // why no run applies a commit to the app by itself, "" for most apps
	Present    bool
	Objects    []manifest.Object
	Err        error
}

// deleted tells whether the object leaves the cluster.
func (o Object) deleted() bool {
	return o.Change == Removed && !o.Kept && o.Unmanaged == "" && o.MovedTo == ""
}

// CompareApp compares the two renderings of one app. hints are what to do about head.Err.
func CompareApp(base, head Rendering, hints []string) App {
	a := App{Name: cmp.Or(head.Name, base.Name), Path: cmp.Or(head.Path, base.Path), Entry: cmp.Or(head.Entry, base.Entry), List: cmp.Or(head.List, base.List)}
	if head.Err != nil {
		a.Change, a.Error, a.Hints = Failed, head.Err.Error(), hints
		return a
	}
	if base.Err != nil {
		a.Note = "the base does not render, so everything counts as added: " + base.Err.Error()
	}
	before, after := byID(base.Objects), byID(head.Objects)
	for id, b := range before {
		if _, stays := after[id]; !stays {
			a.Objects = append(a.Objects, removed(id, b, base))
		}
	}
	for id, h := range after {
		b, was := before[id]
		switch {
		case !was:
			a.Objects = append(a.Objects, added(id, h, head))
		default:
			if o, differs := changed(id, b, h, head); differs {
				a.Objects = append(a.Objects, o)
			} else {
				a.Counts.Unchanged++
			}
		}
	}
	slices.SortFunc(a.Objects, gravest)
	if base.Present && head.Present {
		a.Settings = settingsThatDiffer(base.Settings, head.Settings)
		a.Changes = settingChanges(base.Settings, head.Settings, a.Settings)
	}
	a.ImageOnly = len(a.Objects) > 0 && a.Note == "" && len(a.Settings) == 0
	for _, o := range a.Objects {
		a.Counts.add(o.Change, 1)
		a.ImageOnly = a.ImageOnly && o.imageOnly
	}
	a.Change = changeOf(base, head, len(a.Objects)+len(a.Settings))
	if len(a.Objects) > 0 {
		a.Withheld = head.Withheld
	}
	return a
}

// settingsThatDiffer names what gitops.yaml says otherwise of an app, sorted.
func settingsThatDiffer(base, head map[string]any) []string {
	var names []string
	for _, name := range keysOf(base, head) {
		if !reflect.DeepEqual(base[name], head[name]) {
			names = append(names, name)
		}
	}
	return names
}

// settingChanges are the settings with what they were and what they become.
func settingChanges(base, head map[string]any, names []string) []Setting {
	var out []Setting
	for _, name := range names {
		s := Setting{Name: name}
		if name != "helm" && name != "substitute" {
			s.From, s.To = settingText(base[name]), settingText(head[name])
		}
		out = append(out, s)
	}
	return out
}

// settingText is a setting in JSON, without the parts that are not set; "" for one that is not set at all.
func settingText(v any) string {
	if m, ok := v.(map[string]any); ok {
		set := map[string]any{}
		for key, value := range m {
			if value != nil {
				set[strings.ToLower(key[:1])+key[1:]] = value
			}
		}
		v = set
	}
	text, err := json.Marshal(v)
	if err != nil || slices.Contains([]string{"null", `""`, "{}", "[]"}, string(text)) {
		return ""
	}
	return string(text)
}

// Title tells the app from all others of the repository.
func (a App) Title() string {
	if a.Entry == "" {
		return a.Name
	}
	return a.Name + " of " + a.Entry
}

// Leave makes the removal of an app one that no run makes, for a reason.
func (a *App) Leave(why string) {
	for i := range a.Objects {
		a.Objects[i].Unmanaged = why
	}
}

func changeOf(base, head Rendering, changes int) Change {
	switch {
	case !base.Present && head.Present:
		return Added
	case base.Present && !head.Present:
		return Removed
	case changes > 0:
		return Changed
	}
	return Unchanged
}

// gravest sorts what deserves attention to the front: removals, changes of immutable fields, changes, additions.
func gravest(a, b Object) int {
	rank := func(o Object) int {
		switch {
		case o.Change == Removed:
			return 0
		case len(o.Immutable) > 0:
			return 1
		case o.Change == Changed:
			return 2
		}
		return 3
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Object, b.Object))
}

// byID indexes objects. Objects that share an ID, as generateName allows, are told apart by their order.
func byID(objects []manifest.Object) map[string]manifest.Object {
	m := make(map[string]manifest.Object, len(objects))
	for _, o := range objects {
		id := o.Hidden.Mask(o.ID())
		for n := 2; ; n++ {
			if _, taken := m[id]; !taken {
				break
			}
			id = fmt.Sprintf("%s (%d)", o.Hidden.Mask(o.ID()), n)
		}
		m[id] = o
	}
	return m
}

func removed(id string, b manifest.Object, app Rendering) Object {
	return Object{Object: id, Change: Removed, Origin: b.Origin.String(), Kept: app.KeepAll || desired.PolicyOf(b.GetAnnotations()).Keep,
		Unmanaged: unmanaged(Removed, b), namespace: cmp.Or(b.GetNamespace(), app.Namespace),
		Diff: diff.Text(b.Unstructured, nil, diff.Options{FromName: "base/" + b.Origin.File, ToName: "/dev/null", Hidden: b.Hidden})}
}

func added(id string, h manifest.Object, app Rendering) Object {
	return Object{Object: id, Change: Added, Origin: h.Origin.String(), Unmanaged: unmanaged(Added, h), namespace: cmp.Or(h.GetNamespace(), app.Namespace),
		Diff: diff.Text(nil, h.Unstructured, diff.Options{FromName: "/dev/null", ToName: "head/" + h.Origin.File, Hidden: h.Hidden})}
}

func changed(id string, b, h manifest.Object, in Rendering) (Object, bool) {
	hidden := b.Hidden.Join(h.Hidden)
	text := diff.Text(b.Unstructured, h.Unstructured,
		diff.Options{FromName: "base/" + b.Origin.File, ToName: "head/" + h.Origin.File, Context: 3, Hidden: hidden})
	if text == "" {
		return Object{}, false
	}
	o := Object{Object: id, Change: Changed, Origin: h.Origin.String(), Diff: text, Unmanaged: unmanaged(Changed, h),
		Recreate: desired.PolicyIn(app.App{Treatment: app.Treatment{Recreate: in.Recreate}}, h.GetAnnotations()).Recreate}
	before, after := diff.Normalize(b.Unstructured), diff.Normalize(h.Unstructured)
	o.Images, o.imageOnly = imageChanges(before, after)
	for i, change := range o.Images {
		o.Images[i] = ImageChange{hidden.Mask(change.From), hidden.Mask(change.To)}
	}
	if o.Unmanaged == "" {
		o.Immutable = immutableChanges(before, after)
	}
	return o, true
}

// unmanaged says why a run does not make a change of an object, "" when it does. It reads the annotations as a run does.
func unmanaged(change Change, o manifest.Object) string {
	set := o.GetAnnotations()
	policy := desired.PolicyOf(set)
	_, hook, isHook := desired.HookOf(set)
	skip := slices.ContainsFunc(strings.Split(hook, ","), func(word string) bool { return desired.HookWord(word) == "skip" })
	switch {
	case policy.Ignore, isHook && skip:
		return "its annotation says that it is neither applied nor pruned"
	case isHook && change == Removed && !holdsOthers(o):
		return "a hook runs, and is not applied: the object of its last run stays until the app is removed"
	case policy.CreateOnly && change == Changed:
		return "its annotation says that it is created when missing, and not changed after that"
	}
	return ""
}

// holdsOthers tells the kinds that are applied although they are annotated as hooks.
func holdsOthers(o manifest.Object) bool {
	gk := o.GroupVersionKind().GroupKind()
	return gk.Group == "" && gk.Kind == "Namespace" || gk.Group == "apiextensions.k8s.io" && gk.Kind == "CustomResourceDefinition"
}

// Sum fills p from apps, in their order, NotRendered and Outside. Apps that are unchanged are counted, not kept. What one app loses
// and another one of the same gitops.yaml gains has moved.
func (p *Preview) Sum(apps []App) {
	linkMoves(apps)
	changes := 0
	p.ImageOnly, p.Apps = true, []App{}
	for _, a := range apps {
		p.AppCounts.add(a.Change, 1)
		p.Counts.Unchanged += a.Counts.Unchanged
		if a.Change == Unchanged && a.Note == "" {
			continue
		}
		p.Apps = append(p.Apps, a)
		p.ImageOnly = p.ImageOnly && a.ImageOnly
		for _, o := range a.Objects {
			p.Counts.add(o.Change, 1)
			changes++
		}
	}
	p.ImageOnly = p.ImageOnly && changes > 0 && len(p.NotRendered)+len(p.Outside) == 0
}

func linkMoves(apps []App) {
	type place struct{ entry, id, namespace string }
	gained := map[place]string{}
	for _, a := range apps {
		for _, o := range a.Objects {
			if o.Change == Added {
				gained[place{a.Entry, o.Object, o.namespace}] = a.Name
			}
		}
	}
	for _, a := range apps {
		for i, o := range a.Objects {
			if o.Change == Removed {
				a.Objects[i].MovedTo = gained[place{a.Entry, o.Object, o.namespace}]
			}
		}
	}
}
