package record

// Inputs are what an app was rendered from: paths of the repository, and a digest of Git's names for what lies there
// together with what else the renderer was given. Equal ones render the same objects.
type Inputs struct {
	Paths  []string `json:"paths"`
	Digest string   `json:"digest"`
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
