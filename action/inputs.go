package action

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// The operations.
const (
	opBump     = "bump"
	opPromote  = "promote"
	opRollback = "rollback"
	opPreview  = "preview"
	opCheck    = "check"
)

var operations = []string{opBump, opPromote, opRollback, opPreview, opCheck}

// Inputs are the inputs of the action after checking. See action.yml for what each means.
type Inputs struct {
	Operation         string
	Repository        string // owner/name
	Ref               string // base branch, empty for the default branch
	Token             string
	Paths             []string
	Images            []bumper.Image
	Values            []bumper.Value
	From              string         // environment that versions are promoted from
	To                []string       // environments that get them
	Also              []string       // file:path, values promoted besides images
	PullNumber        int            // rollback: the pull request to undo
	Commit            string         // rollback: the commit to undo
	Release           []bumper.Image // rollback: versions that may come back
	Reason            string
	Hold              bool
	Ignore            []string // check: patterns of files that are not checked
	FloatingTags      string   // check: error, warning or off
	RendererPath      string   // preview, check: the kubectl-gitops program
	PullRequest       bool
	Branch            string
	Title             string
	Body              string
	CommitMessage     string
	Labels            []string
	Reviewers         []string
	TeamReviewers     []string
	Assignees         []string
	Draft             bool
	AutoMerge         string // "", MERGE, SQUASH or REBASE
	ResolveDigest     bool
	ImageLabels       bool
	AllowDowngrade    bool
	AllowPlainSecrets bool
	DryRun            bool
	APIURL            string // ends with a slash
	GraphQLURL        string
	ServerURL         string

	event event
}

var (
	repositoryRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)
	branchBadRE  = regexp.MustCompile(`[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|^[/.-]|/\.|[/.]$|\.lock$|\.lock/`)
)

// reader collects everything that is wrong with the inputs, so that one error says all of it.
type reader struct {
	getenv func(string) string
	errs   []error
}

func (r *reader) bad(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *reader) text(name string) string {
	return strings.TrimSpace(r.getenv("INPUT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))))
}

func (r *reader) boolean(name string, byDefault bool) bool {
	switch v := strings.ToLower(r.text(name)); v {
	case "":
		return byDefault
	case "true":
		return true
	case "false":
		return false
	default:
		r.bad("input %s: %q is neither true nor false", name, v)
		return byDefault
	}
}

// list splits at line ends, and at commas when commas is set.
func (r *reader) list(name string, commas bool) []string {
	text := r.text(name)
	if commas {
		text = strings.ReplaceAll(text, ",", "\n")
	}
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// readInputs reads INPUT_* and GITHUB_* variables. The token is filled in even when there is an error,
// so that it can be masked.
func readInputs(getenv func(string) string) (Inputs, error) {
	r := &reader{getenv: getenv}
	in := Inputs{
		Operation: r.text("operation"), Repository: r.text("repository"), Ref: strings.TrimPrefix(r.text("ref"), "refs/heads/"),
		Token: r.text("token"), PullRequest: r.boolean("pull-request", true),
		Branch: r.text("branch"), Title: r.text("title"), Body: r.text("body"), CommitMessage: r.text("commit-message"),
		Labels: r.list("labels", true), Reviewers: r.list("reviewers", true), TeamReviewers: r.list("team-reviewers", true),
		Assignees: r.list("assignees", true), Draft: r.boolean("draft", false),
		ResolveDigest: r.boolean("resolve-digest", false), ImageLabels: r.boolean("image-labels", false), AllowDowngrade: r.boolean("allow-downgrade", false),
		AllowPlainSecrets: r.boolean("allow-plain-secrets", false), DryRun: r.boolean("dry-run", false),
	}
	if in.Operation == "" {
		in.Operation = opBump
	}
	if !slices.Contains(operations, in.Operation) {
		r.bad("input operation: %q is unknown; use %s", in.Operation, strings.Join(operations, ", "))
	}
	if in.Repository == "" {
		in.Repository = getenv("GITHUB_REPOSITORY")
	}
	if !repositoryRE.MatchString(in.Repository) {
		r.bad("input repository: %q is not owner/name", in.Repository)
	}
	if in.Token == "" {
		r.bad("input token: empty; pass a token that may write to the repository, for example ${{ github.token }}")
	} else if strings.ContainsFunc(in.Token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.bad("input token: it contains spaces, line breaks or characters that no token contains")
	}
	if branchBadRE.MatchString(in.Ref) || in.Ref == "HEAD" {
		r.bad("input ref: %q is not a branch name", in.Ref)
	}
	r.edits(&in)
	r.choices(&in)
	in.event = readEvent(getenv)
	return in, errors.Join(r.errs...)
}

func (r *reader) edits(in *Inputs) {
	parse := bumper.ParseAssignment
	switch in.Operation {
	case opPromote: // names only: which images to promote
		parse = parseName
	case opRollback:
		parse = parseVersioned
	}
	for _, line := range r.list("images", false) {
		img, err := parse(line)
		if err != nil {
			r.bad("input images: %w", err)
			continue
		}
		in.Images = append(in.Images, img)
	}
	for _, line := range r.list("values", false) {
		v, err := bumper.ParseValue(line)
		if err != nil {
			r.bad("input values: %w", err)
			continue
		}
		in.Values = append(in.Values, v)
	}
	r.promotion(in)
	if in.Operation == opBump && len(in.Images)+len(in.Values) == 0 && len(r.errs) == 0 {
		r.bad("nothing to change: the inputs images and values are both empty")
	}
	for _, p := range r.list("paths", false) {
		clean, err := glob.Clean(p)
		if err != nil {
			r.bad("input paths: %w", err)
		}
		in.Paths = append(in.Paths, clean)
	}
	r.rollback(in)
	r.look(in)
}

// look reads the inputs of preview and check.
func (r *reader) look(in *Inputs) {
	in.RendererPath, in.FloatingTags = r.text("kubectl-gitops-path"), r.text("floating-tags")
	if in.FloatingTags == "" {
		in.FloatingTags = "error"
	}
	if !slices.Contains([]string{"error", "warning", "off"}, in.FloatingTags) {
		r.bad("input floating-tags: %q is unknown; use error, warning or off", in.FloatingTags)
	}
	for _, p := range r.list("ignore", false) {
		clean, err := glob.Clean(p)
		if err != nil {
			r.bad("input ignore: %w", err)
		}
		in.Ignore = append(in.Ignore, clean)
	}
	if in.Operation == opPreview && strings.ContainsAny(strings.Join(in.Paths, ""), "*?[") {
		r.bad("input paths: preview takes directories, not patterns")
	}
	if in.Operation == opPreview && len(in.Images)+len(in.Values) > 0 {
		r.bad("inputs images and values: preview changes nothing")
	}
}

// parseName reads the name of an image, without a version.
func parseName(s string) (bumper.Image, error) {
	img, err := parseVersioned(s)
	if err == nil && (img.Tag != "" || img.Digest != "") {
		err = fmt.Errorf("image %q: promote takes the version from the source; give the name only", s)
	}
	return img, err
}

// promotion reads the inputs of promote.
func (r *reader) promotion(in *Inputs) {
	in.From, in.To, in.Also = r.text("from"), r.list("to", true), r.list("also", false)
	for _, line := range in.Also {
		if _, err := promotion.ParseAlso(line); err != nil {
			r.bad("input also: %w", err)
		}
	}
	switch {
	case in.Operation != opPromote:
		if in.From != "" || len(in.To)+len(in.Also) > 0 {
			r.bad("inputs from, to and also belong to operation: promote")
		}
	case len(in.Values) > 0:
		r.bad("input values: promote copies values with the also input")
	case in.ResolveDigest:
		r.bad("input resolve-digest: promote copies what the source runs; resolve the digest when you bump the source")
	case r.text("paths") != "":
		r.bad("input paths: promote takes directories with the inputs from and to")
	}
}

func (r *reader) choices(in *Inputs) {
	switch v := strings.ToLower(r.text("auto-merge")); v {
	case "", "off", "false":
	case "merge", "squash", "rebase":
		in.AutoMerge = strings.ToUpper(v)
	default:
		r.bad("input auto-merge: %q is unknown; use off, merge, squash or rebase", v)
	}
	if len(in.Assignees) > 10 {
		r.bad("input assignees: %d names, GitHub allows 10", len(in.Assignees))
	}
	in.APIURL = r.url("api-url", "GITHUB_API_URL", "https://api.github.com")
	graph := r.getenv("GITHUB_GRAPHQL_URL")
	if given := r.text("api-url"); given != "" || graph == "" {
		graph = strings.TrimSuffix(strings.TrimSuffix(in.APIURL, "/"), "/v3") + "/graphql"
	}
	in.GraphQLURL = strings.TrimSuffix(r.url("graphql-url", "", graph), "/")
	in.ServerURL = strings.TrimSuffix(r.url("server-url", "GITHUB_SERVER_URL", "https://github.com"), "/")
}

// url reads an address from an input, then from a variable, then takes the default. It ends with a slash.
func (r *reader) url(name, variable, byDefault string) string {
	v := r.text(name)
	if v == "" && variable != "" {
		v = r.getenv(variable)
	}
	if v == "" {
		v = byDefault
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil {
		r.bad("input %s: it has to be an http or https address without credentials", name)
		return byDefault
	}
	if u.Scheme == "http" && name != "server-url" && !github.IsLoopback(u) {
		r.bad("input %s: %s is plain http, so others on the network could read the token; use https", name, u.Host)
	}
	return strings.TrimSuffix(v, "/") + "/"
}

var shaRE = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// rollback reads the inputs of rollback.
func (r *reader) rollback(in *Inputs) {
	in.Commit, in.Reason, in.Hold = r.text("commit"), r.text("reason"), r.boolean("hold", true)
	if n := r.text("pull-request-number"); n != "" {
		var err error
		if in.PullNumber, err = strconv.Atoi(strings.TrimPrefix(n, "#")); err != nil || in.PullNumber < 1 {
			r.bad("input pull-request-number: %q is not a number", n)
		}
	}
	for _, line := range r.list("release", false) {
		img, err := parseVersioned(line)
		if err != nil {
			r.bad("input release: %w", err)
		}
		in.Release = append(in.Release, img)
	}
	if in.PullNumber > 0 && (in.Operation == opBump || in.Operation == opPromote) {
		r.bad("input pull-request-number belongs to rollback, preview and check")
	}
	if in.Operation != opRollback {
		if in.Commit != "" || in.Reason != "" || len(in.Release) > 0 {
			r.bad("inputs commit, reason and release belong to operation: rollback")
		}
		return
	}
	if in.Commit != "" && !shaRE.MatchString(in.Commit) {
		r.bad("input commit: %q is not a commit (7 to 40 hexadecimal digits)", in.Commit)
	}
	ways := 0
	for _, given := range []bool{in.PullNumber > 0, in.Commit != "", len(in.Images) > 0, len(in.Release) > 0} {
		if given {
			ways++
		}
	}
	if ways != 1 && len(r.errs) == 0 {
		r.bad("rollback: give one of the inputs pull-request-number, commit, images (with paths) and release")
	}
	if len(in.Images) > 0 && r.text("paths") == "" {
		r.bad("input paths: rolling images back needs the environments, directories or names of %s", promotion.FilePath)
	}
}

// parseVersioned reads the name of an image with or without a version.
func parseVersioned(s string) (bumper.Image, error) {
	if strings.Contains(s, "=") {
		return bumper.ParseAssignment(s)
	}
	return bumper.ParseImage(s)
}
