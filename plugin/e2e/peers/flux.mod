// The controllers of Flux, built by `make peers`. It cannot be made tidy: the tests of these modules need modules that the
// checksum database does not know. Hence it is no go.mod, and is used with -modfile.
module github.com/kubectl-gitops/kubectl-gitops/plugin/e2e

go 1.26.0

require (
	github.com/fluxcd/helm-controller v1.4.3
	github.com/fluxcd/kustomize-controller v1.7.3
	github.com/fluxcd/source-controller v1.7.3
)

// As the three modules have it in their own go.mod.
replace (
	github.com/opencontainers/go-digest => github.com/opencontainers/go-digest v1.0.1-0.20220411205349-bde1400a84be
	gopkg.in/yaml.v3 => gopkg.in/yaml.v3 v3.0.1
	sigs.k8s.io/kustomize/api => sigs.k8s.io/kustomize/api v0.20.1
	sigs.k8s.io/kustomize/kyaml => sigs.k8s.io/kustomize/kyaml v0.20.1
)
