package bumper

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestRepositories bumps every image of real configuration repositories by its name. CORPUS names a directory with a
// repository in each directory or .tar.xz archive (make corpus CORPUS=DIR). Without it, ../shared/corpus beside the checkout is used when
// it is there.
func TestRepositories(t *testing.T) {
	dir := os.Getenv("CORPUS")
	if dir == "" {
		dir = "../../shared/corpus"
		if _, err := os.Stat(dir); err != nil || testing.Short() {
			t.Skip("SKIPPED: no real repositories were tried; set CORPUS to a directory of repositories (make corpus CORPUS=DIR)")
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, e := range entries {
		repository := filepath.Join(dir, e.Name())
		switch {
		case strings.HasSuffix(e.Name(), ".tar.xz"):
			unpacked := t.TempDir()
			if out, err := exec.CommandContext(t.Context(), "tar", "-xf", repository, "-C", unpacked).CombinedOutput(); err != nil {
				t.Fatalf("unpack %s: %v\n%s", repository, err, out)
			}
			repository = unpacked
		case !e.IsDir():
			continue
		}
		tried++
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			bumpEverything(t, readRepository(t, repository))
		})
	}
	if tried == 0 {
		t.Errorf("there is no repository in %s", dir)
	}
}

func readRepository(t *testing.T, dir string) []File {
	t.Helper()
	var files []File
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() != "Kustomization" && !strings.HasSuffix(d.Name(), ".yaml") && !strings.HasSuffix(d.Name(), ".yml") {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		files = append(files, File{Path: filepath.ToSlash(rel), Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// bumpEverything bumps each image of a tree to a version that nothing has. What an independent look at the bytes still finds with
// an old tag must have been named.
func bumpEverything(t *testing.T, files []File) {
	refs, err := Find(files)
	if err != nil {
		t.Fatal(err)
	}
	wants := map[string]Image{}
	for _, r := range refs {
		want := wants[r.Image.Normalised()]
		want.Name, want.Tag = r.Image.Name, "999.0.0"
		if r.Image.Digest != "" {
			want.Digest = shaB
		}
		wants[r.Image.Normalised()] = want
	}
	var edits, left, refused int
	for name, want := range wants {
		result, err := Bump(files, Request{Images: []Image{want}, AllowDowngrade: true})
		if err != nil {
			refused++
			if len(result.Files) > 0 {
				t.Errorf("%s: refused and edited", name)
			}
			t.Logf("%s: %v", want, err)
			continue
		}
		edits, left = edits+len(result.Edits), left+len(result.Left)
		checkNothingIsUnmentioned(t, files, want, result)
	}
	t.Logf("%d files, %d references, %d images: %d edits, %d places left, %d images refused", len(files), len(refs), len(wants), edits, left, refused)
}

var runRE = regexp.MustCompile(`[A-Za-z0-9._:/@-]+`)

func checkNothingIsUnmentioned(t *testing.T, files []File, want Image, result Result) {
	t.Helper()
	old := map[string]bool{}
	for _, e := range result.Edits {
		if e.Image != want.Normalised() || e.Before.Normalised() != want.Normalised() {
			t.Errorf("%s: edits another image: %+v", want, e)
		}
		old[e.Before.Tag] = true
	}
	delete(old, "")
	mentioned := map[string]bool{}
	for _, l := range result.Left {
		mentioned[l.File+":"+strconv.Itoa(l.Line)] = true
	}
	for _, f := range files {
		if data, ok := result.Files[f.Path]; ok {
			outside(t, f.Data, data, slices.DeleteFunc(slices.Clone(result.Edits), func(e Edit) bool { return e.File != f.Path }))
			f.Data = data
		}
		for i, line := range strings.Split(string(f.Data), "\n") {
			if !strings.Contains(line, want.Name[strings.LastIndexByte(want.Name, '/')+1:]) {
				continue
			}
			for _, run := range runRE.FindAllString(line, -1) {
				img, err := ParseImage(strings.TrimRight(strings.Trim(run, "-:/"), "."))
				if err == nil && old[img.Tag] && img.Normalised() == want.Normalised() && !mentioned[f.Path+":"+strconv.Itoa(i+1)] {
					t.Errorf("%s:%d: %s stays and is not mentioned (bump to %s)", f.Path, i+1, img, want)
				}
			}
		}
	}
}
