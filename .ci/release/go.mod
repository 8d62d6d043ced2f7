module github.com/kubectl-gitops/kubectl-gitops/.ci/release

go 1.26.0

require golang.org/x/mod v0.31.0
