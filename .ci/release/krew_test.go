package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestKrewInstallsTheSnapshot builds this checkout, lets krew's own programs check the manifest and install the archive,
// and runs what they installed through kubectl. It builds krew, and kubectl from the modules of the control plane.
func TestKrewInstallsTheSnapshot(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the plugin and krew")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	dist, bin := filepath.Join(tmp, "dist"), filepath.Join(tmp, "bin")
	const version = "0.0.1"
	if err := run(t.Context(), []string{"-dir", root, "-o", dist, "-platforms", host(), "-programs", "kubectl-gitops", "snapshot", version}, t.Output(), t.Output()); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dist, "kubectl-gitops_v"+version+"_"+runtime.GOOS+"_"+runtime.GOARCH+".tar.gz")
	manifest := filepath.Join(tmp, "gitops.yaml")
	put(t, manifest, manifestFor(t, version, archive))
	must := func(env []string, name string, args ...string) string {
		t.Helper()
		out, err := command(env, name, args...)
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
		}
		return out
	}
	must(nil, "go", "build", "-C", "../krew", "-o", bin+"/", "sigs.k8s.io/krew/cmd/krew", "sigs.k8s.io/krew/cmd/validate-krew-manifest")
	must(nil, filepath.Join(bin, "validate-krew-manifest"), "-skip-install", "-manifest", manifest)

	home := filepath.Join(tmp, "krew")
	tools := strings.TrimSpace(must(nil, "go", "run", "-C", "../../plugin/e2e", "./cmd/controlplane"))
	tools = tools[strings.LastIndex(tools, "\n")+1:] // the last line is the directory
	env := []string{"KREW_ROOT=" + home, "HOME=" + tmp, "KUBECONFIG=" + filepath.Join(tmp, "none"), "KREW_NO_UPGRADE_CHECK=1",
		"PATH=" + strings.Join([]string{filepath.Join(home, "bin"), tools, os.Getenv("PATH")}, string(os.PathListSeparator))}

	tampered := filepath.Join(tmp, "tampered.tar.gz")
	put(t, tampered, read(t, archive)+"x")
	if out, err := command(env, filepath.Join(bin, "krew"), "install", "--manifest", manifest, "--archive", tampered); err == nil || !strings.Contains(out, "checksum") {
		t.Errorf("krew took a tampered archive: %v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(home, "bin", "kubectl-gitops")); err == nil {
		t.Error("the tampered archive is installed")
	}

	must(env, filepath.Join(bin, "krew"), "install", "--manifest", manifest, "--archive", archive)
	if out := must(env, filepath.Join(tools, "kubectl"), "gitops", "version"); !strings.Contains(out, "kubectl-gitops "+version+"\n") {
		t.Errorf("kubectl gitops version prints:\n%s", out)
	}
	script := filepath.Join(home, "bin", "kubectl_complete-gitops")
	must(append(env, "TOOLS="+tools, "SCRIPT="+script), "sh", "-c", `"$TOOLS/kubectl" gitops completion >"$SCRIPT" && chmod +x "$SCRIPT"`)
	if out := must(env, filepath.Join(tools, "kubectl"), "__complete", "gitops", "rec"); !strings.Contains(out, "reconcile\t") {
		t.Errorf("kubectl does not complete `kubectl gitops rec`:\n%s", out)
	}
}

// manifestFor fills in the template as if the one archive were those of all platforms.
func manifestFor(t *testing.T, version, archive string) string {
	t.Helper()
	files := map[string][]byte{}
	for _, p := range strings.Split(everywhere, ",") {
		ending := ".tar.gz"
		if strings.HasPrefix(p, "windows") {
			ending = ".zip"
		}
		files["kubectl-gitops_v"+version+"_"+strings.ReplaceAll(p, "/", "_")+ending] = []byte(read(t, archive))
	}
	out, err := krewManifest([]byte(read(t, "../../krew/gitops.yaml")), version, checksums(files))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func command(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
