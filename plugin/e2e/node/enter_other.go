//go:build !linux

package node

import "errors"

// Missing says what this machine lacks for a node.
func Missing() string { return "it needs Linux" }

// NewDir fails: see Missing.
func NewDir() (string, error) { return "", errors.New(Missing()) }

// Enter fails: see Missing.
func Enter(string) (int, error) { return 1, errors.New(Missing()) }

// Inside returns nothing: Enter never ran.
func Inside() (string, error) { return "", nil }

func cniPlugins() string { return "" }
