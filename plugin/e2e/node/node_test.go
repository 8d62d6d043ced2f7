package node

import (
	"os"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

func TestNodeStarts(t *testing.T) {
	dir := os.Getenv("GITOPS_E2E_SANDBOX")
	if dir == "" {
		t.Skip("no node here")
	}
	c, err := kube.Start(t.Context(), kube.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	n, err := Start(t.Context(), c, dir, dir+"/"+imageFile)
	if err != nil {
		for _, l := range []string{"containerd", "kubelet"} {
			b, _ := os.ReadFile(c.Dir + "/" + l + ".log")
			os.WriteFile("/tmp/nodedev/"+l+".log", b, 0o600)
		}
		t.Fatal(err)
	}
	_ = n
}
