package build

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// inputFiles are the files of a repository whose apps read each other's surroundings in every way there is. In a text, $N
// is a number that commits change. A text that begins with -> is a symbolic link; commits choose one of its targets.
var inputFiles = map[string]string{
	"README.md": "$N",

	"apps/plain/a.yaml":         configMap("plain"),
	"apps/plain/link.yaml":      "-> ../../shared/one.yaml ../../shared/two.yaml ../../shared/gone.yaml",
	"apps/plain/sub":            "-> ../../shared/dir ../../shared/other",
	"apps/plain/.gitopsignore":  "ignored-$N.yaml\n",
	"apps/plain/ignored-1.yaml": configMap("ignored"),
	"shared/one.yaml":           configMap("one"),
	"shared/two.yaml":           configMap("two"),
	"shared/dir/x.yaml":         configMap("x"),
	"shared/other/y.yaml":       configMap("y"),

	"apps/kust/base/kustomization.yaml":     "resources: [../../../shared/one.yaml, more]\n",
	"apps/kust/base/more":                   "-> ../more ../../../shared/kustomized",
	"apps/kust/more/kustomization.yaml":     "resources: [m.yaml]\nnamePrefix: m$N-\n",
	"apps/kust/more/m.yaml":                 configMap("m"),
	"shared/kustomized/kustomization.yaml":  "resources: [k.yaml]\n",
	"shared/kustomized/k.yaml":              configMap("k"),
	"shared/app.conf":                       "number=$N\n",
	"shared/patch.yaml":                     "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  patched: v$N\n",
	"components/label/kustomization.yaml":   "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {num: 'v$N'}}]\n",
	"apps/kust/overlay/kustomization.yaml":  "resources: [../base]\ncomponents: [../../../components/label]\npatches: [{path: ../../../shared/patch.yaml}]\nconfigMapGenerator: [{name: conf, files: [../../../shared/app.conf], envs: [../../../shared/app.conf]}]\n",
	"apps/chart/kustomization.yaml":         "helmGlobals: {chartHome: ../../charts}\nhelmCharts: [{name: lib, releaseName: r, valuesFile: ../../envs/common.yaml}]\n",
	"charts/lib/Chart.yaml":                 "{apiVersion: v2, name: lib, version: 1.0.$N}\n",
	"charts/lib/templates/_names.tpl":       "{{ define \"lib.n\" }}n$N{{ end }}\n",
	"charts/lib/templates/l.yaml":           "{apiVersion: v1, kind: ConfigMap, metadata: {name: lib}, data: {num: '{{ include \"lib.n\" . }}', v: '{{ .Values.v }}', f: '{{ .Files.Get \"f.txt\" }}'}}\n",
	"apps/web/Chart.yaml":                   "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies: [{name: lib, version: '>=1.0.0', repository: 'file://../../charts/lib'}]\n",
	"apps/web/templates/w.yaml":             "{apiVersion: v1, kind: ConfigMap, metadata: {name: w}, data: {num: '$N', v: '{{ .Values.v }}', up: '{{ .Release.IsUpgrade }}'}}\n",
	"envs/common.yaml":                      "{v: c$N, lib: {v: l$N}}\n",
	"envs/prod.yaml":                        "v: p$N\n",
	"real/there/t.yaml":                     configMap("there"),
	"real/elsewhere/e.yaml":                 configMap("elsewhere"),
	"apps/alias":                            "-> ../real/there ../real/elsewhere",
	"values.yaml":                           "v: root$N\n",
	"apps/root-values/Chart.yaml":           "{apiVersion: v2, name: rv, version: 0.1.0}\n",
	"apps/root-values/templates/r.yaml":     "{apiVersion: v1, kind: ConfigMap, metadata: {name: r}, data: {v: '{{ .Values.v }}'}}\n",
	"apps/root-values/templates/NOTES.txt":  "$N",
	"apps/root-values/charts/.keep":         "$N",
	"apps/nothing-to-do-with/it/z.yaml":     configMap("z"),
	"apps/nothing-to-do-with/it/also.yaml":  configMap("also"),
	"apps/nothing-to-do-with/it/third.yaml": configMap("third"),
}

// absentFiles turn up and go again.
var absentFiles = map[string]string{
	"apps/plain/later.yaml":               configMap("later"),
	"shared/dir/deep/z.yaml":              configMap("deep"),
	"shared/gone.yaml":                    configMap("gone"),
	"apps/kust/more/kustomization.yml":    "resources: []\n",
	"charts/lib/values.yaml":              "v: lib$N\n",
	"charts/lib/f.txt":                    "f$N",
	"charts/lib/.helmignore":              "f.txt\n",
	"apps/web/values.yaml":                "v: own$N\n",
	"apps/web/charts/lib/Chart.yaml":      "{apiVersion: v2, name: lib, version: 1.0.$N}\n",
	"apps/alias-too/x.yaml":               configMap("x"),
	"apps/root-values/values.yaml":        "v: default$N\n",
	"apps/root-values/kustomization.yaml": "resources: []\n",
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n  num: v$N\n"
}

var inputApps = []app.App{
	{Name: "plain", Path: "apps/plain"},
	{Name: "kust", Path: "apps/kust/overlay"},
	{Name: "chart", Path: "apps/chart"},
	{Name: "web", Path: "apps/web", Helm: app.Helm{Values: []string{"../../envs/common.yaml", "/envs/prod.yaml"}}},
	{Name: "alias", Path: "apps/alias"},
	{Name: "root-values", Path: "apps/root-values", Helm: app.Helm{Values: []string{"/values.yaml"}}},
	{Name: "it", Path: "apps/nothing-to-do-with/it"},
}

// TestEqualInputsRenderTheSame makes random commits. Whatever an app was rendered to at one of them, it must be rendered
// to at each later one at which its inputs have the same digest. INPUTS_SEEDS says how many sequences are tried.
func TestEqualInputsRenderTheSame(t *testing.T) {
	seeds := 4
	if n, err := strconv.Atoi(os.Getenv("INPUTS_SEEDS")); err == nil {
		seeds = n
	}
	equal, all := map[string]int{}, 0
	for seed := range seeds {
		r := &randomRepository{T: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(uint64(seed), 1)), holds: map[string]string{}}
		r.git("init", "-q", "-b", "main")
		r.begin()
		var past []map[string]renderedAs
		for range 10 {
			tree := r.commit()
			now := map[string]renderedAs{}
			for _, a := range inputApps {
				now[a.Name] = renderAt(t, tree, a)
				for _, then := range past {
					was := then[a.Name]
					if was.inputs == nil {
						continue
					}
					if all++; digestOf(tree, was.inputs.Paths, rendering.Options(a)) != was.inputs.Digest {
						continue
					}
					if equal[a.Name]++; was.objects != now[a.Name].objects {
						t.Fatalf("seed %d: app %s has the inputs %q of an earlier commit, which rendered\n%s\nand now renders\n%s\nlast change: %s", seed,
							a.Name, was.inputs.Paths, was.objects, now[a.Name].objects, r.git("show", "--stat", "--format=%h"))
					}
				}
			}
			past = append(past, now)
			tree.Close()
		}
	}
	t.Logf("of %d pairs of commits and apps, equal inputs: %v", all, equal)
	for _, a := range inputApps {
		if equal[a.Name] == 0 {
			t.Errorf("the inputs of %s were never equal: the test shows nothing", a.Name)
		}
	}
}

type renderedAs struct {
	objects string // or the error
	inputs  *record.Inputs
}

func renderAt(t *testing.T, tree *source.Tree, a app.App) renderedAs {
	var paths []string
	o := rendering.Options(a)
	o.Inputs = func(p []string) { paths = p }
	objects, err := render.Dir(t.Context(), tree.Root, a.Path, o)
	if err != nil {
		return renderedAs{objects: err.Error()}
	}
	var text strings.Builder
	for _, o := range objects {
		raw, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%s %s", o.Origin, raw)
	}
	in := inputsOf(tree, paths, rendering.Options(a))
	if in == nil || slices.Contains(in.Paths, ".") {
		t.Errorf("%s depends on %q: it would be rendered at each commit", a.Name, paths)
	}
	return renderedAs{text.String(), in}
}

// randomRepository is a repository that changes at random.
type randomRepository struct {
	*testing.T
	dir    string
	random *rand.Rand
	holds  map[string]string // files as they are
}

func (r *randomRepository) git(args ...string) string {
	cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *randomRepository) begin() {
	for name, text := range inputFiles {
		r.holds[name] = strings.ReplaceAll(r.first(text), "$N", "0")
	}
}

// first is the text of a file, or the first target of a link.
func (r *randomRepository) first(text string) string {
	if targets, link := strings.CutPrefix(text, "-> "); link {
		return "-> " + strings.Fields(targets)[0]
	}
	return text
}

// change changes one file.
func (r *randomRepository) change() {
	all := maps.Clone(inputFiles)
	maps.Copy(all, absentFiles)
	names := slices.Sorted(maps.Keys(all))
	name := names[r.random.IntN(len(names))]
	_, usual := inputFiles[name]
	if _, have := r.holds[name]; have && r.random.IntN(10) < 3 || have && !usual {
		delete(r.holds, name)
		return
	}
	text := all[name]
	if targets, link := strings.CutPrefix(text, "-> "); link {
		to := strings.Fields(targets)
		text = "-> " + to[r.random.IntN(len(to))]
	}
	r.holds[name] = strings.ReplaceAll(text, "$N", strconv.Itoa(r.random.IntN(3)))
}

// commit changes a file or two, repairs most of what was broken before, and opens the commit.
func (r *randomRepository) commit() *source.Tree {
	for name, text := range inputFiles {
		if _, have := r.holds[name]; !have && r.random.IntN(3) > 0 {
			r.holds[name] = strings.ReplaceAll(r.first(text), "$N", "0")
		}
	}
	for range 1 + r.random.IntN(2) {
		r.change()
	}
	r.git("rm", "-rq", "--ignore-unmatch", ".")
	for name, text := range r.holds {
		r.write(filepath.Join(r.dir, name), text)
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "change")
	return r.open()
}

func (r *randomRepository) write(file, text string) {
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if target, link := strings.CutPrefix(text, "-> "); err == nil && link {
		err = os.Symlink(target, file)
	} else if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		r.Fatal(err)
	}
}

func (r *randomRepository) open() *source.Tree {
	repo, dir := git.Repo{URL: r.dir}, r.TempDir()
	commit, err := repo.Poll(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	rev, objects, err := repo.Fetch(r.Context(), commit, dir)
	if err != nil {
		r.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		r.Fatal(err)
	}
	return &source.Tree{Root: root, Revision: rev, Objects: objects, Close: func() { root.Close() }}
}

// TestAnUntouchedAppKeepsItsRendering lets a loop revert drift after a commit that did not touch the app, without a
// checkout and a render.
func TestAnUntouchedAppKeepsItsRendering(t *testing.T) {
	r := &randomRepository{T: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(1, 1)), holds: map[string]string{}}
	r.git("init", "-q", "-b", "main")
	at := func(readme, manifest string) *source.Tree {
		r.write(filepath.Join(r.dir, "README.md"), readme)
		r.write(filepath.Join(r.dir, "app/a.yaml"), strings.ReplaceAll(configMap("a"), "$N", manifest))
		r.git("add", "-A")
		r.git("commit", "-q", "-m", "change")
		tree := r.open()
		t.Cleanup(tree.Close)
		return tree
	}
	first, readme, changed := at("1", "1"), at("2", "1"), at("2", "2")
	a := app.App{Name: "app", Path: "app"}
	b := &Builder{Renders: NewRenders(), App: a, Config: "settings"}
	was := &Build{Commit: first.Revision.Commit, Settings: "settings", Desired: []*desired.Object{desiredtest.Object("ConfigMap", "a")},
		Inputs: renderAt(t, first, a).inputs}
	b.Renders.Keep("app", was)

	b.Commit = readme.Revision.Commit
	now := b.carry(readme, rendering.Options(a))
	if now == nil || now.Commit != b.Commit || now.Revision != readme.Revision || len(now.Desired) != 1 || b.Renders.Of("app") != now {
		t.Errorf("a commit that does not touch the app: %+v", now)
	}
	b.Commit = changed.Revision.Commit
	if now := b.carry(changed, rendering.Options(a)); now != nil {
		t.Errorf("a commit that changes the app: %+v", now)
	}
	upgrade := rendering.Options(a)
	upgrade.Helm.Upgrade = true
	if now := b.carry(readme, upgrade); now != nil {
		t.Errorf("another thing to render: %+v", now)
	}
	b.Config = "other settings"
	if now := b.carry(readme, rendering.Options(a)); now != nil {
		t.Errorf("other settings: %+v", now)
	}
	workingTree := &source.Tree{Root: readme.Root}
	if in := inputsOf(workingTree, []string{"app"}, rendering.Options(a)); in != nil {
		t.Errorf("a working tree has inputs: %+v", in)
	}
}
