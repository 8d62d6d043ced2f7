package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed config
var configFiles embed.FS

// createRepository makes the bare repository config.git in the shell's directory, a clone of it, config, and the first
// commit. namespace replaces the one in the files.
func createRepository(ctx context.Context, s *shell, namespace string) error {
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=main", "config.git"},
		{"init", "--quiet", "--initial-branch=main", "config"},
		{"-C", "config", "remote", "add", "origin", filepath.Join(s.dir, "config.git")},
		{"-C", "config", "config", "user.name", "Ada Lovelace"},
		{"-C", "config", "config", "user.email", "ada@example.com"},
		{"-C", "config", "config", "commit.gpgSign", "false"},
		{"-C", "config", "config", "push.default", "current"},
	} {
		if _, err := s.quiet(ctx, append([]string{"git"}, args...)...); err != nil {
			return err
		}
	}
	if err := writeConfig(filepath.Join(s.dir, "config"), namespace); err != nil {
		return fmt.Errorf("write the config repository: %w", err)
	}
	return commit(ctx, s, "Open the shop")
}

// writeConfig writes the embedded files. They say `shop` where a namespace is meant.
func writeConfig(dir, namespace string) error {
	names := strings.NewReplacer("namespace: shop\n", "namespace: "+namespace+"\n")
	return fs.WalkDir(configFiles, "config", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(path, "config")))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := configFiles.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, []byte(names.Replace(string(data))), 0o644)
	})
}

// commit commits everything in the clone and pushes it, without showing how.
func commit(ctx context.Context, s *shell, message string) error {
	for _, args := range [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--message", message},
		{"push", "--quiet", "origin", "HEAD"},
	} {
		if _, err := s.quiet(ctx, append([]string{"git", "-C", "config"}, args...)...); err != nil {
			return err
		}
	}
	return nil
}

// edit replaces old, which must be there once, in a file of the clone.
func edit(s *shell, name, old, replacement string) error {
	path := filepath.Join(s.dir, "config", filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := bytes.Count(data, []byte(old)); n != 1 {
		return fmt.Errorf("%s: %q is there %d times, want once", name, old, n)
	}
	return os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(replacement), 1), 0o644)
}
