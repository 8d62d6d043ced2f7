// Package promotion decides what goes from one environment of a config repository to the next, and what has to hold before it
// does: promotion.yaml, the layouts of environments, gates, holds, and the edits of a promotion.
//
// Everything here is a function from values to values. The package makes no request, opens no file and has no clock: it is given
// the files of a repository, what GitHub reported, and the time. The only YAML that it edits itself is the file of holds; all
// other edits are made by package bumper.
package promotion

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// FilePath is where a config repository says in which order its environments get a version, and what has to hold before they do.
// The file is read from the base branch, so a promotion cannot change its own gates.
const FilePath = "promotion.yaml"

// File is promotion.yaml. The methods of a nil File answer for a repository without one.
type File struct {
	Environments []Environment `yaml:"environments"`
	Sources      []AppSource   `yaml:"sources"`

	lines map[string]int // environment -> line
}

// Environment is one stage of the way to production.
type Environment struct {
	Name  string   `yaml:"name"`
	Path  string   `yaml:"path"`
	Paths []string `yaml:"paths"`
	From  string   `yaml:"from"` // the environment it takes versions from
	Also  []string `yaml:"also"`
	Gates *Gates   `yaml:"gates"`
	// AutoMerge is off, merge, squash or rebase, and overrides the input.
	AutoMerge string `yaml:"autoMerge"`

	Patterns []string `yaml:"-"` // Path alone, or Paths, in their shortest form
}

// Gates say what must hold before an environment gets a version.
type Gates struct {
	Statuses  []string `yaml:"statuses"`
	Soak      string   `yaml:"soak"`
	Approvals int      `yaml:"approvals"`
	Labels    []string `yaml:"labels"`
	Window    *Window  `yaml:"window"`
	Unmet     string   `yaml:"unmet"`

	soak time.Duration
}

// Window says when promotions are made.
type Window struct {
	Days     []string `yaml:"days"`
	Hours    string   `yaml:"hours"`
	TimeZone string   `yaml:"timeZone"`

	from, to int // minutes of the day; from == to means the whole day
	zone     *time.Location
}

// AppSource names the repository that an image is built from.
type AppSource struct {
	Image      string `yaml:"image"`
	Repository string `yaml:"repository"`
	Tag        string `yaml:"tag"`
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

const (
	namePattern   = `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`
	hoursPattern  = `^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`
	sourcePattern = `^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)+$`
)

var fileShape = shape{fields: []shape{
	{name: "environments", kind: isMappings, required: true, doc: "The environments, from first to last. Each environment takes the versions of the environment before it.", fields: []shape{
		{name: "name", required: true, pattern: namePattern, doc: "A DNS label, unique in the file."},
		{name: "path", doc: "Directory or file of the environment, from the root of the repository, or a pattern for several, such as apps/*/overlays/prod. Required unless paths is given."},
		{name: "paths", kind: isTexts, doc: "Several directories, files or patterns. The first takes its versions from the first of the source environment, the second from the second, and so on."},
		{name: "from", doc: "The environment that the versions come from. Default: the environment before it."},
		{name: "also", kind: isTexts, doc: "Values to copy besides images, file:path each. The file is relative to the directory of both environments. When an environment is a file, write . for its name."},
		{name: "autoMerge", oneOf: []string{"off", "merge", "squash", "rebase"}, doc: "How the pull request is merged when all gates are met. Default: the auto-merge input."},
		{name: "gates", kind: isMapping, doc: "What must be met before the action proposes a version for this environment.", fields: []shape{
			{name: "statuses", kind: isTexts, doc: "Names of commit statuses or check runs. Each must have succeeded for the versions that the source environment runs."},
			{name: "soak", doc: "How long these statuses must have been successful without a failure, for example 30m or 24h."},
			{name: "approvals", kind: isNumber, doc: "How many approving reviews the pull request to the source environment must have. Only reviews of its last commit count."},
			{name: "labels", kind: isTexts, doc: "Labels that the pull request to the source environment must have."},
			{name: "window", kind: isMapping, doc: "The time in which the action may promote.", fields: []shape{
				{name: "days", kind: isTexts, oneOf: weekdays, doc: "Days of the week. Default: every day."},
				{name: "hours", pattern: hoursPattern, doc: "From and to, for example 09:00-16:00, or 22:00-02:00 for a window past midnight. Default: the whole day."},
				{name: "timeZone", doc: "Time zone of days and hours, a name of the IANA database such as Europe/Vienna. Default: UTC."},
			}},
			{name: "unmet", oneOf: []string{"none", "draft"}, doc: "What to open while a gate is not met: none (the default), or a draft."},
		}},
	}},
	{name: "sources", kind: isMappings, doc: "The repositories that images are built from, for links that compare two versions.", fields: []shape{
		{name: "image", required: true, doc: "The name of the image."},
		{name: "repository", required: true, pattern: sourcePattern, doc: "Web address of the application's repository."},
		{name: "tag", doc: "The Git tag of a version; {tag} stands for the tag of the image. Default: {tag}."},
	}},
}}

var (
	environmentRE = regexp.MustCompile(namePattern)
	hoursRE       = regexp.MustCompile(hoursPattern)
	sourceRE      = regexp.MustCompile(sourcePattern)
)

// Parse reads promotion.yaml. Its error says everything that is wrong with the file, each with its line.
func Parse(data []byte) (*File, error) {
	p := &File{lines: map[string]int{}}
	root, err := readStrict(FilePath, data, "Promotion", fileShape, p)
	if err != nil {
		return nil, hint.With(err, "docs/promotion.md describes the file")
	}
	c := &promotionCheck{p: p}
	list := mappingValue(root, "environments")
	for i := range p.Environments {
		c.environment(i, list.Content[i].Line)
	}
	if len(p.Environments) < 2 {
		c.bad(list.Line, "environments: a promotion needs at least two")
	}
	if list := mappingValue(root, "sources"); list != nil {
		for i := range p.Sources {
			c.source(&p.Sources[i], list.Content[i].Line)
		}
	}
	for i, e := range p.Environments {
		c.wildcards(e, i)
	}
	if len(c.errs) > 0 {
		return nil, hint.With(errors.Join(c.errs...), "docs/promotion.md describes the file")
	}
	return p, nil
}

type promotionCheck struct {
	p    *File
	errs []error
}

func (c *promotionCheck) bad(line int, format string, args ...any) {
	c.errs = append(c.errs, &lineError{FilePath, line, fmt.Sprintf(format, args...)})
}

func (c *promotionCheck) environment(i, line int) {
	e := &c.p.Environments[i]
	if !environmentRE.MatchString(e.Name) {
		c.bad(line, "name: %q is not a DNS label", e.Name)
	}
	c.paths(e, line)
	for j, other := range c.p.Environments[:i+1] {
		if j < i && other.Name == e.Name {
			c.bad(line, "%s: the name is taken, first in line %d", e.Name, c.p.lines[other.Name])
			continue
		}
		for n, p := range e.Patterns {
			for m, o := range other.Patterns {
				if (j < i || m < n) && (glob.Below(o, p) || glob.Below(p, o)) {
					c.bad(line, "%s: %s and %s (of %s) overlap", e.Name, p, o, other.Name)
				}
			}
		}
	}
	if e.From == "" && i > 0 {
		e.From = c.p.Environments[i-1].Name
	}
	if e.From != "" && !slices.ContainsFunc(c.p.Environments[:i], func(o Environment) bool { return o.Name == e.From }) {
		c.bad(line, "%s: from: no environment before it is called %q", e.Name, e.From)
	}
	if i == 0 && (e.Gates != nil || len(e.Also) > 0) {
		c.bad(line, "%s: nothing is promoted into the first environment, so it has no gates and no also", e.Name)
	}
	for _, a := range e.Also {
		if _, err := ParseAlso(a); err != nil {
			c.bad(line, "%s: also: %v", e.Name, err)
		}
	}
	c.p.lines[e.Name] = line
	if e.Gates != nil {
		c.gates(e, line)
	}
}

// paths reads path and paths. An environment has one of them.
func (c *promotionCheck) paths(e *Environment, line int) {
	list := e.Paths
	switch {
	case e.Path != "" && len(e.Paths) > 0:
		c.bad(line, "%s: path and paths: give one of them", e.Name)
	case e.Path != "":
		list = []string{e.Path}
	case len(e.Paths) == 0:
		c.bad(line, "%s: path is missing", e.Name)
	}
	for _, p := range list {
		clean, err := glob.Clean(p)
		if err != nil || clean == "." || p == "" {
			c.bad(line, "%s: path: %q is not a directory, a file or a pattern below the root of the repository", e.Name, p)
		}
		e.Patterns = append(e.Patterns, clean)
	}
}

// wildcards checks that the paths of an environment and of its source can be paired.
func (c *promotionCheck) wildcards(e Environment, i int) {
	from := c.p.Environment(e.From)
	if i == 0 || from == nil {
		return
	}
	if text := cannotPair(Place{from.Patterns, from.Name, from}, Place{e.Patterns, e.Name, &e}); text != "" {
		c.bad(c.p.lines[e.Name], "%s: path: %s", e.Name, text)
	}
}

func (c *promotionCheck) gates(e *Environment, line int) {
	g := e.Gates
	if g.Soak != "" {
		var err error
		if g.soak, err = time.ParseDuration(g.Soak); err != nil || g.soak < 0 {
			c.bad(line, "%s: soak: %q is not a duration like 30m or 24h", e.Name, g.Soak)
		}
		if len(g.Statuses) == 0 {
			c.bad(line, "%s: soak counts from a success, so it needs statuses", e.Name)
		}
	}
	if g.Approvals < 0 {
		c.bad(line, "%s: approvals: %d is negative", e.Name, g.Approvals)
	}
	w := g.Window
	if w == nil {
		return
	}
	var err error
	if w.zone, err = time.LoadLocation(w.TimeZone); err != nil || w.TimeZone == "Local" {
		c.bad(line, "%s: timeZone: %q is not a time zone like Europe/Vienna", e.Name, w.TimeZone)
	}
	if w.Hours == "" {
		return
	}
	if !hoursRE.MatchString(w.Hours) {
		c.bad(line, "%s: hours: %q is not like 09:00-16:00", e.Name, w.Hours)
		return
	}
	var fromHour, fromMinute, toHour, toMinute int
	_, _ = fmt.Sscanf(w.Hours, "%d:%d-%d:%d", &fromHour, &fromMinute, &toHour, &toMinute)
	w.from, w.to = fromHour*60+fromMinute, toHour*60+toMinute
}

func (c *promotionCheck) source(s *AppSource, line int) {
	if s.Tag == "" {
		s.Tag = "{tag}"
	}
	s.Repository = strings.TrimSuffix(strings.TrimSuffix(s.Repository, "/"), ".git")
	if !IsWebAddress(s.Repository) {
		c.bad(line, "repository: %q is not a web address like https://github.com/acme/api", s.Repository)
	}
	if strings.ContainsAny(s.Image, ":@= ") && !strings.Contains(s.Image, "/") {
		c.bad(line, "image: %q is not the name of an image", s.Image)
	}
}

// Contains says whether a file lies in an environment. When there is no such environment, the name is that of a directory.
func (p *File) Contains(nameOrPath, file string) bool {
	if e := p.Environment(nameOrPath); e != nil {
		return e.member(file) != ""
	}
	return glob.Below(nameOrPath, file)
}

// Environment finds an environment by name, or by its directory.
func (p *File) Environment(nameOrPath string) *Environment {
	if p == nil {
		return nil
	}
	for i, e := range p.Environments {
		if e.Name == nameOrPath || len(e.Patterns) == 1 && e.Patterns[0] == path.Clean(nameOrPath) {
			return &p.Environments[i]
		}
	}
	return nil
}

// names returns the names of the environments, for a message.
func (p *File) names() []string {
	if p == nil {
		return nil
	}
	var out []string
	for _, e := range p.Environments {
		out = append(out, e.Name)
	}
	return out
}

// Also is one value that is promoted besides the images.
type Also struct {
	File string // relative to the directory of either environment
	path string // of the value in the file
}

// ParseAlso reads file:path.
func ParseAlso(s string) (Also, error) {
	file, at, ok := strings.Cut(s, ":")
	if !ok || file == "" || at == "" {
		return Also{}, fmt.Errorf("%q is not file:path", s)
	}
	clean, err := glob.Clean(file)
	if err != nil {
		return Also{}, err
	}
	return Also{clean, at}, nil
}

// IsWebAddress says whether a text is the web address of a repository. Such a text may become a link: it has no character that
// means something in Markdown.
func IsWebAddress(s string) bool { return sourceRE.MatchString(s) }
