package bumper

import (
	"fmt"
	"regexp"
	"strings"
)

// Image is a reference to a container image, split into its parts and otherwise as it was written.
type Image struct {
	Name   string // registry, if any, and repository: nginx, acme/api, localhost:5000/acme/api
	Tag    string // may be ""
	Digest string // algorithm:hex, may be ""
}

// The grammar is that of the OCI distribution specification and of Docker's references. Registries may have a port.
var (
	nameRE = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?` +
		`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagRE    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	digestRE = regexp.MustCompile(`^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$`)
)

// ParseImage splits a reference: name, name:tag, name@digest or name:tag@digest.
func ParseImage(s string) (Image, error) {
	var img Image
	rest, digest, pinned := strings.Cut(s, "@")
	if pinned {
		if !digestRE.MatchString(digest) {
			return Image{}, fmt.Errorf("image %q: %q is not a digest (sha256: and 64 hexadecimal digits)", s, digest)
		}
		img.Digest = digest
	}
	img.Name = rest
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		img.Name, img.Tag = rest[:i], rest[i+1:]
		if err := checkTag(img.Tag); err != nil {
			return Image{}, fmt.Errorf("image %q: %w", s, err)
		}
	}
	if !nameRE.MatchString(img.Name) || len(img.Name) > 255 {
		return Image{}, fmt.Errorf("image %q: %q is not an image name", s, img.Name)
	}
	return img, nil
}

// ParseAssignment reads what an image should become: name=tag, name=tag@digest, name:tag, name@digest or
// name:tag@digest. A name alone is an error.
func ParseAssignment(s string) (Image, error) {
	name, value, assigned := strings.Cut(s, "=")
	if !assigned {
		img, err := ParseImage(s)
		if err == nil && img.Tag == "" && img.Digest == "" {
			err = fmt.Errorf("image %q: no tag and no digest (write name=tag)", s)
		}
		if err != nil {
			return Image{}, err
		}
		return img, nil
	}
	img, err := ParseImage(name)
	if err != nil {
		return Image{}, err
	}
	if img.Tag != "" || img.Digest != "" {
		return Image{}, fmt.Errorf("image %q: %q before the = has a tag or digest already", s, name)
	}
	tag, digest, pinned := strings.Cut(value, "@")
	if tag != "" || !pinned {
		if err := checkTag(tag); err != nil {
			return Image{}, fmt.Errorf("image %q: %w", s, err)
		}
	}
	if pinned && !digestRE.MatchString(digest) {
		return Image{}, fmt.Errorf("image %q: %q is not a digest (sha256: and 64 hexadecimal digits)", s, digest)
	}
	return Image{Name: name, Tag: tag, Digest: digest}, nil
}

func checkTag(tag string) error {
	switch {
	case tag == "":
		return fmt.Errorf("the tag is empty")
	case !tagRE.MatchString(tag):
		return fmt.Errorf("%q is not a tag (letters, digits, _ . -; not first . or -; at most 128)", tag)
	}
	return nil
}

// String writes the reference with the name as it was given.
func (i Image) String() string { return i.Name + i.suffix() }

func (i Image) suffix() string {
	s := ""
	if i.Tag != "" {
		s = ":" + i.Tag
	}
	if i.Digest != "" {
		s += "@" + i.Digest
	}
	return s
}

// Normalised returns the complete name that containers runtimes use: nginx is docker.io/library/nginx, acme/api is
// docker.io/acme/api. Two names mean one image when their normalised forms are equal.
func (i Image) Normalised() string {
	registry, path, found := strings.Cut(i.Name, "/")
	if !found || !(strings.ContainsAny(registry, ".:") || registry == "localhost" || registry != strings.ToLower(registry)) {
		registry, path = "docker.io", i.Name
	}
	registry = strings.ToLower(registry)
	if registry == "index.docker.io" || registry == "registry-1.docker.io" {
		registry = "docker.io"
	}
	if registry == "docker.io" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return registry + "/" + path
}
