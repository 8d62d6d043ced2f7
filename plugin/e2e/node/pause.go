package node

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// BuildPause compiles the program pause of this package into dir, where Start looks for it. It needs the working
// directory to be in this module.
func BuildPause(ctx context.Context, dir string) error {
	const path = "github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/node/pause"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "pause"), path)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build pause: %w\n%s", err, out)
	}
	return packPause(dir)
}

// packPause writes the smallest file that containerd imports: one layer, a configuration, a manifest.
func packPause(dir string) error {
	binary, err := os.ReadFile(filepath.Join(dir, "pause"))
	if err != nil {
		return err
	}
	layer, err := pack(map[string][]byte{"pause": binary}, "pause")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/pause"}, "User": "65535:65535"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{pauseImage}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	image, err := pack(map[string][]byte{"layer.tar": layer, "config.json": config, "manifest.json": manifest}, "layer.tar", "config.json", "manifest.json")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, pauseFile), image, 0o600)
}

func pack(files map[string][]byte, order ...string) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range order {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(files[name]))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
