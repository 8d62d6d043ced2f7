package promotion

import (
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Strand says where the versions of one pair of members come from.
type Strand struct {
	From, To string   // the paths of the members
	Carriers []string // files of the source that carry the versions
	Beside   []bumper.File
}

// Revision is one commit that touched a path, with the contents that some files had in it.
type Revision struct {
	SHA      string
	Headline string // the first line of its message
	Author   string // a login, or a name
	Date     time.Time
	Pull     *Pull // the merged pull request that brought it, or nil
	Files    []bumper.File
	Beside   []bumper.File // files of today that may say what the values of Files are for
}

// Pull is a merged pull request.
type Pull struct {
	Number  int
	Head    string // its last commit, which was merged
	Labels  []string
	Reviews []Review
}

// Review is the last review by one person with write access.
type Review struct {
	Approved bool
	Commit   string // that was reviewed
}

// Arrival is a commit that brought versions to the source.
type Arrival struct {
	Revision
	What []string // "api 1.8.2"
}

// Arrivals returns the commits that brought the versions of the edits to the source, back to the version that the target runs.
// histories are the commits that touched the source of each strand, newest first. The result is newest first in each strand.
func Arrivals(edits []bumper.Edit, strands []Strand, histories [][]Revision) []Arrival {
	var out []Arrival
	for i, s := range strands {
		for _, a := range arrivalsOf(edits, s, histories[i]) {
			at := slices.IndexFunc(out, func(o Arrival) bool { return o.SHA == a.SHA })
			if at < 0 {
				out = append(out, a)
				continue
			}
			for _, what := range a.What {
				if !slices.Contains(out[at].What, what) {
					out[at].What = append(out[at].What, what)
				}
			}
		}
	}
	return out
}

// arrivalsOf returns the arrivals of one strand, newest first.
func arrivalsOf(edits []bumper.Edit, s Strand, history []Revision) []Arrival {
	images, runs := []string{}, map[string][]string{}
	for _, e := range edits {
		if e.Image == "" || !glob.Below(s.To, e.File) {
			continue
		}
		if !slices.Contains(images, e.Image) {
			images = append(images, e.Image)
		}
		runs[e.Image] = append(runs[e.Image], Exact(e.Before))
	}
	var out []Arrival
	arrived := map[string]bool{} // images for which all versions since the one in the target are known
	for i, rev := range history {
		var what []string
		for _, image := range images {
			if arrived[image] {
				continue
			}
			now := rev.versions(image)
			if len(now) == 1 && slices.Contains(runs[image], now[0]) {
				arrived[image] = true
				continue
			}
			var before []string
			if i+1 < len(history) {
				before = history[i+1].versions(image)
			}
			if len(now) > 0 && !slices.Equal(now, before) {
				for i, v := range now {
					now[i] = shown(v)
				}
				what = append(what, display.ShortName(image)+" "+strings.Join(now, ", "))
			}
		}
		if len(what) > 0 {
			out = append(out, Arrival{rev, what})
		}
	}
	return out
}

// Exact returns tag and digest of an image as one text, for comparing two versions.
func Exact(img bumper.Image) string { return img.Tag + "@" + img.Digest }

// shown returns an exact version as people read it.
func shown(version string) string {
	tag, digest, _ := strings.Cut(version, "@")
	if tag != "" {
		return tag
	}
	return digest[:min(len(digest), 19)]
}

// Images returns the references in the files of the revision, by the normalised names of their images.
func (r Revision) Images() (map[string][]bumper.Reference, error) {
	return ByImage(r.Files, r.Beside...)
}

// versions returns the exact versions of an image in the files of a revision, sorted.
func (r Revision) versions(image string) []string {
	refs, err := r.Images()
	if err != nil {
		return nil
	}
	var out []string
	for _, ref := range Deciding(refs[image]) {
		if v := Exact(ref.Image); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}
