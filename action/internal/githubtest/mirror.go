package githubtest

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

// Mirror writes the branches of the repository into a bare Git repository, with the same names of commits: programs
// that read Git can follow what happens here.
func (r *Repo) Mirror(dir string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	m := &mirror{dir: dir}
	if _, err := m.git(nil, "init", "--quiet", "--bare", "--initial-branch", r.options.DefaultBranch, dir); err != nil {
		return err
	}
	for ref, sha := range r.refs {
		for _, c := range r.store.since("", sha) {
			if err := m.commit(r.store, c); err != nil {
				return err
			}
		}
		if _, err := m.git(nil, "-C", dir, "update-ref", ref, sha); err != nil {
			return err
		}
	}
	return nil
}

type mirror struct{ dir string }

func (m *mirror) git(in []byte, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// write stores one object unless it is there.
func (m *mirror) write(kind string, data []byte) error {
	name := hash(kind, data)
	if _, err := m.git(nil, "-C", m.dir, "cat-file", "-e", name); err == nil {
		return nil
	}
	got, err := m.git(data, "-C", m.dir, "hash-object", "-w", "-t", kind, "--stdin")
	if err == nil && got != name {
		err = fmt.Errorf("git calls the %s %s, we call it %s", kind, got, name)
	}
	return err
}

func (m *mirror) commit(o *objects, c *Commit) error {
	for _, f := range o.trees[c.Tree] {
		if err := m.write("blob", []byte(f.Data)); err != nil {
			return err
		}
	}
	if err := m.tree(o.trees[c.Tree]); err != nil {
		return err
	}
	return m.write("commit", c.object())
}

func (m *mirror) tree(files map[string]File) error {
	var failed error
	data := treeObject(files, func(sub map[string]File) string {
		if err := m.tree(sub); err != nil {
			failed = err
		}
		return treeHash(sub)
	})
	if failed != nil {
		return failed
	}
	return m.write("tree", data)
}
