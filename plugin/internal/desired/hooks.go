package desired

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// The phases of hooks, as Argo CD calls them.
const (
	PreSync    = "PreSync"    // before anything of the app is applied
	Sync       = "Sync"       // with the objects of its wave
	PostSync   = "PostSync"   // when all is healthy
	Test       = "Test"       // after PostSync: a test of Helm, for apps that ask for them
	SyncFail   = "SyncFail"   // when that failed
	PreDelete  = "PreDelete"  // before anything of an app that is removed is deleted
	PostDelete = "PostDelete" // when all of it is gone
)

var (
	everyTime = []record.HookCause{record.HooksInstall, record.HooksUpgrade}
	onDelete  = []record.HookCause{record.HooksDelete}
	// hookWords says when a hook with this word runs: never, when it names no phase. Words are compared without case and
	// dashes.
	hookWords = map[string]struct {
		phase string
		when  []record.HookCause
	}{
		"presync": {PreSync, everyTime}, "sync": {Sync, everyTime}, "postsync": {PostSync, everyTime},
		"syncfail": {SyncFail, everyTime}, "predelete": {PreDelete, onDelete}, "postdelete": {PostDelete, onDelete},
		"preinstall": {PreSync, everyTime[:1]}, "preupgrade": {PreSync, everyTime[1:]},
		"postinstall": {PostSync, everyTime[:1]}, "postupgrade": {PostSync, everyTime[1:]},
		"prerollback": {}, "postrollback": {}, "test": {}, "testsuccess": {}, "testfailure": {},
	}
)

// ParseHook reads the hook annotations of an object, nil when it has none.
func ParseHook(set map[string]string) (*HookSettings, error) {
	name, said, ok := HookOf(set)
	if !ok {
		return nil, nil
	}
	h := &HookSettings{Phases: map[string][]record.HookCause{}, Replace: true}
	for text := range strings.SplitSeq(said, ",") {
		word := HookWord(text)
		if word == "" {
			continue
		}
		if word == "skip" {
			h.Skip = true
			continue
		}
		w, known := hookWords[word]
		if !known {
			return nil, fmt.Errorf("annotation %s: there is no hook %q", name, strings.TrimSpace(text))
		}
		if w.phase != "" {
			h.Phases[w.phase] = append(h.Phases[w.phase], w.when...)
		}
	}
	h.Weight, _ = waveOf(set)
	if n, err := strconv.Atoi(set[HelmWeight]); err == nil && name == HelmHook {
		if _, hasWave := waveOf(set); !hasWave {
			h.Weight = n
		}
	}
	h.deletePolicy(set)
	return h, nil
}

// addTests makes a test of Helm run after each change.
func (h *HookSettings) addTests(set map[string]string) {
	if name, said, _ := HookOf(set); h != nil && name == HelmHook && slices.ContainsFunc(strings.Split(said, ","), isTest) {
		h.Phases[Test] = everyTime
	}
}

// isTest reports whether a word of Helm's hook annotation is about a test that has to succeed.
func isTest(text string) bool { return HookWord(text) == "test" || HookWord(text) == "testsuccess" }

// neverRun tells whether an object is applied although it is a hook: running it again would mean to delete a Namespace or
// a CustomResourceDefinition, with everything that is in it.
func (h *HookSettings) neverRun(k object.Kind) bool {
	return h != nil && record.IsContainer(k) && slices.ContainsFunc(slices.Collect(maps.Keys(h.Phases)), func(phase string) bool { return !PhaseOfRemoval(phase) })
}

// PhaseOfRemoval reports whether hooks of a phase run when the app is removed.
func PhaseOfRemoval(phase string) bool { return phase == PreDelete || phase == PostDelete }

func (h *HookSettings) deletePolicy(set map[string]string) {
	for _, name := range []string{HookDelete, ArgoHookDelete, HelmHookDelete} {
		text, ok := set[name]
		if !ok {
			continue
		}
		h.Replace = false
		for word := range strings.SplitSeq(text, ",") {
			switch HookWord(word) {
			case "beforehookcreation":
				h.Replace = true
			case "hooksucceeded":
				h.DropSucceeded = true
			case "hookfailed":
				h.DropFailed = true
			}
		}
		return
	}
}

// unknownHook words the refusal of a hook that would never run.
func unknownHook(ro manifest.Object, err error) manifest.Problem {
	return manifest.Problem{Origin: ro.Origin, Object: ro.ID(), Message: err.Error(),
		Hint: "one of PreSync, Sync, PostSync, SyncFail, Skip, PreDelete, PostDelete, or of Helm's hooks"}
}

// HooksOf lists the hooks of one phase that run for a cause, in the order they run: by wave, then what others need first, then
// by name.
func HooksOf(hooks []*Object, phase string, cause record.HookCause) []*Object {
	var out []*Object
	for _, o := range hooks {
		if slices.Contains(o.Hook.Phases[phase], cause) {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b *Object) int {
		return cmp.Or(cmp.Compare(a.Hook.Weight, b.Hook.Weight), cmp.Compare(Rank(a.Ref.Kind), Rank(b.Ref.Kind)),
			cmp.Compare(HookName(a), HookName(b)))
	})
	return out
}

// HookName returns the name of a hook in Git: its name, or its generateName.
func HookName(o *Object) string { return cmp.Or(o.Name, o.Manifest.GetGenerateName()) }

// OfRemoval tells whether the hook runs when the app is removed.
func (h *HookSettings) OfRemoval() bool {
	return len(h.Phases[PreDelete])+len(h.Phases[PostDelete]) > 0
}
