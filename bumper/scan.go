package bumper

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// parse parses the files that are wanted and not parsed yet, on all cores. Those of the context are only parsed one by one.
func (t *tree) parse(wanted func(File) bool) {
	var (
		next atomic.Int64
		wait sync.WaitGroup
	)
	for range min(runtime.GOMAXPROCS(0), len(t.files)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(t.files) {
					return
				}
				if t.scans[i] == nil && !t.context[i] && wanted(t.files[i]) {
					t.scans[i] = scan(t.files[i])
				}
			}
		})
	}
	wait.Wait()
}

func scan(f File) *scanned {
	s := &scanned{file: f, offset: -1}
	if !utf8.Valid(f.Data) {
		for s.offset = 0; ; {
			r, size := utf8.DecodeRune(f.Data[s.offset:])
			if r == utf8.RuneError && size <= 1 {
				break
			}
			s.offset += size
		}
		s.err = fmt.Errorf("is not valid UTF-8")
		return s
	}
	doc, err := parseDocument(f)
	if err != nil {
		s.err = fmt.Errorf("does not parse: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return s
	}
	if s.finder, err = findIn(doc); err != nil {
		s.err = err
	}
	return s
}

// scan parses the file with an index, if that was not done yet.
func (t *tree) scan(i int) *scanned {
	if t.scans[i] == nil {
		t.scans[i] = scan(t.files[i])
		t.scans[i].context = t.context[i]
	}
	return t.scans[i]
}

// parsed returns the files that were parsed, in order.
func (t *tree) parsed() []*scanned {
	return slices.DeleteFunc(slices.Clone(t.scans), func(s *scanned) bool { return s == nil })
}

// parseNaming parses every file that can name one of the images, and with Flux markers in the tree also the policies
// and the files that are marked with a policy of such an image.
func (t *tree) parseNaming(images []Image) {
	naming := namingAny(images)
	var markers atomic.Bool
	t.parse(func(f File) bool {
		if bytes.Contains(f.Data, []byte(markerKey)) {
			markers.Store(true)
		}
		return mayHoldImage(f.Data) && naming(f)
	})
	if !markers.Load() || len(images) == 0 {
		return
	}
	t.parse(func(f File) bool {
		return bytes.Contains(f.Data, []byte("ImagePolicy")) || bytes.Contains(f.Data, []byte("ImageRepository"))
	})
	t.learnPolicies()
	var policies [][]byte
	for policy, image := range t.table.images {
		if slices.ContainsFunc(images, func(i Image) bool { return i.Normalised() == image }) {
			policies = append(policies, []byte(policy.name))
		}
	}
	t.parse(func(f File) bool {
		return bytes.Contains(f.Data, []byte(markerKey)) &&
			slices.ContainsFunc(policies, func(name []byte) bool { return bytes.Contains(f.Data, name) })
	})
	t.namePolicies()
}

// namingAny returns the test whether a file can name one of the images.
func namingAny(images []Image) func(File) bool {
	var last [][]byte
	for _, image := range images {
		last = append(last, []byte(image.Name[strings.LastIndexByte(image.Name, '/')+1:]))
	}
	return func(f File) bool {
		return slices.ContainsFunc(last, func(name []byte) bool { return mentions(f.Data, name) })
	}
}

// parseMentioning parses every file that can name one more image.
func (t *tree) parseMentioning(name string) {
	last := []byte(name[strings.LastIndexByte(name, '/')+1:])
	t.parse(func(f File) bool { return mayHoldImage(f.Data) && mentions(f.Data, last) })
}

// parseEverything parses every file that can hold any image.
func (t *tree) parseEverything() {
	t.parse(func(f File) bool { return mayHoldImage(f.Data) })
	t.learnPolicies()
	t.namePolicies()
	t.overlay(func(*found) bool { return true }, nil)
}

func (t *tree) learnPolicies() {
	for _, s := range t.parsed() {
		if s.finder != nil {
			t.table.learn(s.finder)
		}
	}
	t.table.resolve()
}

// namePolicies gives the references known by policy only the name of their image.
func (t *tree) namePolicies() {
	for _, s := range t.parsed() {
		if s.finder == nil {
			continue
		}
		for _, ref := range s.found {
			if ref.policy != nil {
				ref.image.Name = t.table.image(*ref.policy)
			}
		}
	}
}

// mayHoldImage is true for every file in which any shape could be found: they all need image, Image, repo or registry somewhere.
func mayHoldImage(data []byte) bool {
	return bytes.Contains(data, []byte("mage")) || bytes.Contains(data, []byte("repo")) || bytes.Contains(data, []byte("registry"))
}

// mentions reports whether name is in data as a whole path part, not as a part of a longer name.
func mentions(data, name []byte) bool {
	for at := 0; ; {
		i := bytes.Index(data[at:], name)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(name)
		if (start == 0 || !nameByte(data[start-1])) && (end == len(data) || !nameByte(data[end])) {
			return true
		}
		at = start + 1
	}
}

func nameByte(b byte) bool {
	return b == '-' || b == '_' || b == '.' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
