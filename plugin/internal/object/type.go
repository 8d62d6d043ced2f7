package object

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Type is what kind of object one is.
type Type struct{ Group, Version, Kind string }

const maxLabel = 63

var (
	labelRE = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	kindRE  = regexp.MustCompile(`^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$`)
)

// ParseType reads the fields apiVersion and kind of an object. What no API server takes as it is written is an error: a
// reader who is less strict would take the object for another one.
func ParseType(apiVersion, kind string) (Type, error) {
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group, version = "", apiVersion
	}
	t := Type{group, version, kind}
	if grouped && group == "" || t.checkVersion() != nil {
		return Type{}, fmt.Errorf("apiVersion %s is not valid: write version, or group/version, in lower case", quoted(apiVersion))
	}
	return t, t.check()
}

func (t Type) checkVersion() error {
	if t.Group != "" && len(validation.IsDNS1123Subdomain(t.Group)) > 0 {
		return fmt.Errorf("%s is not an API group", quoted(t.Group))
	}
	if !labelRE.MatchString(t.Version) || len(t.Version) > maxLabel {
		return fmt.Errorf("%s is not a version", quoted(t.Version))
	}
	return nil
}

func (t Type) check() error {
	if err := t.checkVersion(); err != nil {
		return err
	}
	if !kindRE.MatchString(t.Kind) || len(t.Kind) > maxLabel {
		return fmt.Errorf("kind %s is not valid: letters, digits and '-' only", quoted(t.Kind))
	}
	return nil
}

// Is tells whether an object with these fields is of a kind of a group, in whatever version. A malformed object is of none.
func Is(apiVersion, kind, group, wanted string) bool {
	t, err := ParseType(apiVersion, kind)
	return err == nil && t.Group == group && t.Kind == wanted
}

// IsSecret tells whether the values of an object with these fields are secret: it is a Secret of Kubernetes, or so malformed
// that somebody could read it as one.
func IsSecret(apiVersion, kind string) bool {
	if t, err := ParseType(apiVersion, kind); err == nil {
		return t.Group == "" && t.Kind == "Secret"
	}
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, kind)
	group, _, _ := strings.Cut(apiVersion, "/")
	return strings.EqualFold(letters, "Secret") && (!strings.Contains(apiVersion, "/") || len(validation.IsDNS1123Subdomain(group)) > 0)
}

// CheckName returns an error when name cannot be that of an object of any kind: it would not stay one segment of the path
// of a request, or holds what cannot be seen. Many kinds are stricter, which the server says.
func CheckName(name string) error {
	if _, err := Path(name); err != nil || len(name) > 253 || strings.Contains(name, " ") {
		return fmt.Errorf("the name %s is not valid: it cannot be a part of the path of a request", quoted(name))
	}
	return nil
}

// CheckNamespace returns an error when namespace is not empty and cannot be the name of one.
func CheckNamespace(namespace string) error {
	if namespace != "" && len(validation.IsDNS1123Label(namespace)) > 0 {
		return fmt.Errorf("the namespace %s is not valid: lower-case letters, digits and '-' only, at most %d", quoted(namespace), maxLabel)
	}
	return nil
}
