package record

// Inputs are what an app was rendered from: paths of the repository, and a digest of Git's names for what lies there
// together with what else the renderer was given. Equal ones render the same objects.
type Inputs struct {
	Paths  []string `json:"paths"`
	Digest string   `json:"digest"`
}

// Tree is a tree of files of another Git repository, or of an artifact, that the app was rendered from. URL and Ref are as gitops.yaml has
// them, Version is the tag or commit that Ref stood for, and Digest the commit as "sha1:..." or the digest of the artifact's manifest as
// "sha256:...".
type Tree struct {
	URL     string `json:"url"`
	Ref     string `json:"ref,omitempty"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
	Branch  bool   `json:"branch,omitempty"` // Ref follows a branch
	Locked  bool   `json:"locked,omitempty"` // gitops.lock.yaml says the version
	Chart   bool   `json:"chart,omitempty"`  // a directory that was rendered is a chart
}

// Chart is a chart that was fetched because the app or another chart names it. Repository contains no credentials. Digest is that of
// the archive, and Lock that of the Chart.lock that pins the version. Constraint is the range that Version was chosen from, "" where
// the version was named.
type Chart struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository"`
	Digest     string `json:"digest"`         // "sha256:..."
	Lock       string `json:"lock,omitempty"` // "sha256:..."
	Constraint string `json:"constraint,omitempty"`
}
