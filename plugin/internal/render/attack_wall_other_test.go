//go:build !linux || (!amd64 && !arm64)

package render

import (
	"context"
	"os"
)

func reach(context.Context, *os.Root, string, Options) ([]Object, error)       { return nil, nil }
func threads(context.Context, *os.Root, string, Options) ([]Object, error)     { return nil, nil }
func bareLibrary(context.Context, *os.Root, string, Options) ([]Object, error) { return nil, nil }
