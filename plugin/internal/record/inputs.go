package record

// Inputs are what an app was rendered from: paths of the repository, and a digest of Git's names for what lies there
// together with what else the renderer was given. Equal ones render the same objects.
type Inputs struct {
	Paths  []string `json:"paths"`
	Digest string   `json:"digest"`
}
