package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// The phases of hooks, as Argo CD calls them.
const (
	phasePreSync    = "PreSync"    // before anything of the app is applied
	phaseSync       = "Sync"       // with the objects of its wave
	phasePostSync   = "PostSync"   // when all is healthy
	phaseSyncFail   = "SyncFail"   // when that failed
	phasePreDelete  = "PreDelete"  // before anything of an app that is removed is deleted
	phasePostDelete = "PostDelete" // when all of it is gone
)

// hook is what the annotations of an object say about running it instead of applying it.
type hook struct {
	phases  map[string][]record.HookCause // when it runs, and for what
	skip    bool                          // neither applied nor run
	weight  int
	replace bool // the object of an earlier run is deleted before the next
	dropOK  bool // deleted after success
	dropBad bool // deleted after failure
}

var (
	everyTime = []record.HookCause{record.HooksInstall, record.HooksUpgrade}
	onDelete  = []record.HookCause{record.HooksDelete}
	// hookWords says when a hook with this word runs: never, when it names no phase. Words are compared without case and
	// dashes.
	hookWords = map[string]struct {
		phase string
		when  []record.HookCause
	}{
		"presync": {phasePreSync, everyTime}, "sync": {phaseSync, everyTime}, "postsync": {phasePostSync, everyTime},
		"syncfail": {phaseSyncFail, everyTime}, "predelete": {phasePreDelete, onDelete}, "postdelete": {phasePostDelete, onDelete},
		"preinstall": {phasePreSync, everyTime[:1]}, "preupgrade": {phasePreSync, everyTime[1:]},
		"postinstall": {phasePostSync, everyTime[:1]}, "postupgrade": {phasePostSync, everyTime[1:]},
		"prerollback": {}, "postrollback": {}, "test": {}, "testsuccess": {}, "testfailure": {},
	}
)

// hookOf reads the hook annotations of an object, nil when it has none.
func hookOf(set map[string]string) (*hook, error) {
	name, said, ok := desired.HookOf(set)
	if !ok {
		return nil, nil
	}
	h := &hook{phases: map[string][]record.HookCause{}, replace: true}
	for text := range strings.SplitSeq(said, ",") {
		word := desired.HookWord(text)
		if word == "" {
			continue
		}
		if word == "skip" {
			h.skip = true
			continue
		}
		w, known := hookWords[word]
		if !known {
			return nil, fmt.Errorf("annotation %s: there is no hook %q", name, strings.TrimSpace(text))
		}
		if w.phase != "" {
			h.phases[w.phase] = append(h.phases[w.phase], w.when...)
		}
	}
	h.weight, _ = waveOf(set)
	if n, err := strconv.Atoi(set[desired.HelmWeight]); err == nil && name == desired.HelmHook {
		if _, hasWave := waveOf(set); !hasWave {
			h.weight = n
		}
	}
	h.deletePolicy(set)
	return h, nil
}

// neverRun tells whether an object is applied although it is a hook: running it again would mean to delete a Namespace or
// a CustomResourceDefinition, with everything that is in it.
func (h *hook) neverRun(k cluster.Kind) bool {
	return h != nil && record.HoldsOthers(k) && slices.ContainsFunc(slices.Collect(maps.Keys(h.phases)), func(phase string) bool { return !ofRemoval(phase) })
}

// ofRemoval tells whether hooks of a phase run when the app is removed.
func ofRemoval(phase string) bool { return phase == phasePreDelete || phase == phasePostDelete }

func (h *hook) deletePolicy(set map[string]string) {
	for _, name := range []string{desired.HookDelete, desired.ArgoHookDelete, desired.HelmHookDelete} {
		text, ok := set[name]
		if !ok {
			continue
		}
		h.replace = false
		for word := range strings.SplitSeq(text, ",") {
			switch desired.HookWord(word) {
			case "beforehookcreation":
				h.replace = true
			case "hooksucceeded":
				h.dropOK = true
			case "hookfailed":
				h.dropBad = true
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

// hooksOf lists the hooks of one phase in the order they run: by wave, then what others need first, then by name.
func (p *pass) hooksOf(phase string) []*object { return p.hooksFor(phase, p.rec.Due) }

func (p *pass) hooksFor(phase string, cause record.HookCause) []*object {
	var out []*object
	for _, o := range p.hooks {
		if slices.Contains(o.hook.phases[phase], cause) {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b *object) int {
		return cmp.Or(cmp.Compare(a.hook.weight, b.hook.weight), cmp.Compare(rank(a.Ref.Kind), rank(b.Ref.Kind)),
			cmp.Compare(hookName(a), hookName(b)))
	})
	return out
}

// hookName is the name in the manifest, or its generateName.
func hookName(o *object) string { return cmp.Or(o.Name, o.manifest.GetGenerateName()) }

// planHooks finds out whether the hooks of this commit are to run: when the manifests of the app, hooks among them,
// are others than those whose hooks have all run. What an older version of this tool applied counts as run.
func (p *pass) planHooks() {
	if p.opts.drift != nil || p.retired() || len(p.hooks) == 0 && p.rec.Hooks.Release == "" && len(p.rec.Runs) == 0 && p.rec.Due == "" {
		return
	}
	p.manifests = p.releaseHash()
	applied := p.rec.Revision.Commit
	if p.rec.Rebuilt && p.rec.Report != nil {
		applied = p.rec.Report.Revision.Commit
	}
	switch {
	case p.rec.Hooks.Release == p.manifests && p.rec.Due == "", p.rec.Hooks.Release == "" && applied == p.commit && p.rec.Due == "":
		p.rec.Hooks.Release = p.manifests
		return
	case p.rec.Due == "" && applied == "" && !p.rec.Rebuilt:
		p.newlyDue, p.dueFor = true, record.HooksInstall
	case p.rec.Due == "":
		p.newlyDue, p.dueFor = true, record.HooksUpgrade
	case p.rec.Due == record.HooksDelete && len(p.rec.Rows) == 0: // it was about to be removed, and is back
		p.newlyDue, p.dueFor = true, record.HooksInstall
	case p.rec.Due == record.HooksDelete:
		p.newlyDue, p.dueFor = true, record.HooksUpgrade
	default:
		p.dueFor = p.rec.Due
	}
	if p.opts.DryRun {
		p.rec.Due = p.dueFor
	}
}

// releaseHash is a keyed hash of all manifests of the app.
func (p *pass) releaseHash() string {
	var lines []string
	for _, list := range [][]*object{p.desired, p.hooks} {
		for _, o := range list {
			lines = append(lines, o.ID()+" "+o.manifest.GetGenerateName()+" "+p.rec.Hash(o.body))
		}
	}
	slices.Sort(lines)
	return p.rec.Hash([]byte(strings.Join(lines, "\n")))
}

// hooksDue tells whether hooks are to run in this pass.
func (p *pass) hooksDue() bool { return p.dueFor != "" }

// tellHooks reports in a dry run which hooks would run.
func (p *pass) tellHooks() {
	for _, phase := range []string{phasePreDelete, phasePreSync, phaseSync, phasePostSync, phasePostDelete} {
		for _, o := range p.hooksOf(phase) {
			p.tellChange(report.Change{Object: o.ID(), Short: p.shortOf(o), Origin: o.origin.String(), Action: report.Skipped,
				Note: phase + " hook: a dry run does not run it"})
		}
	}
}

func (p *pass) shortOf(o *object) string {
	ref := o.Ref
	ref.Name = hookName(o)
	return p.short(ref)
}
