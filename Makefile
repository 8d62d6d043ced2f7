# Needs Go, make and git; nothing else is installed. `make help` lists the targets.

export CGO_ENABLED := 0
# Tests and programs share what is compiled, also between two clones.
export GOFLAGS := -trimpath
.DEFAULT_GOAL := help
SHELL := /bin/bash

# Every Go module with tests. The others are the benchmark's peers, the control plane's mains and the linter.
MODULES := . plugin/e2e plugin/internal/render/upstream action/e2e .ci/image .ci/release
ALL_MODULES := $(MODULES) plugin/e2e/bench plugin/e2e/controlplane .ci/lint .ci/krew

# A release sets VERSION; otherwise the version is what Go itself takes from the last tag.
VERSION ?=
LDFLAGS := -s -w $(if $(VERSION),-X github.com/kubectl-gitops/kubectl-gitops/plugin.linkedVersion=$(VERSION) -X github.com/kubectl-gitops/kubectl-gitops/action.linkedVersion=$(VERSION))
TESTFLAGS ?=
BENCH ?= .

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the binaries into bin/
	@mkdir -p bin
	@set -e; for cmd in cmd/*/; do \
		name=$$(basename $$cmd); echo "go build $$name"; \
		go build -ldflags '$(LDFLAGS)' -o bin/$$name ./$$cmd; \
	done

.PHONY: image
image: ## Write the container image to dist/image.tar (IMAGEFLAGS='-version 1.2.3 -name NAME:TAG'); needs no Docker
	@go -C .ci/image run . $(IMAGEFLAGS)

# The tests of the nested modules run binaries that they build: Go cannot tell when those change, hence -count=1.
.PHONY: test
test: control-plane ## Run every test, those on a real control plane included (the first time builds Kubernetes)
	@failed=; for module in $(MODULES); do \
		echo "== go test in $$module"; go -C $$module test -count=1 -timeout 60m $(TESTFLAGS) ./... || failed=1; \
	done; test -z "$$failed"

.PHONY: test-fast
test-fast: coverage ## Run the tests that need no control plane
	@failed=; for module in $(MODULES); do \
		echo "== go test -short in $$module"; go -C $$module test -short $(TESTFLAGS) ./... || failed=1; \
	done; test -z "$$failed"

# Packages that decide, and the words that they decide with: functions of values, so their tests need nothing else.
DECISIONS = $(addprefix ./plugin/internal/,app desired health live object owners plan plan/crossapp rbac record report status) ./action/internal/promotion

.PHONY: coverage
coverage: ## Ask for 90 % of the statements of what decides, without a control plane
	@go test -short -cover $(DECISIONS) | awk '{ print } /^(FAIL|---)/ { bad = 1 } \
		match($$0, /coverage: [0-9.]+/) { if (substr($$0, RSTART + 10, RLENGTH - 10) + 0 < 90) { print "less than 90 %: " $$2; bad = 1 } } END { exit bad }'

FUZZTIME ?= 10s

.PHONY: fuzz
fuzz: ## Look for bytes that break a parser, in each fuzz test for a moment (FUZZTIME=1m, FUZZ=NAME for some of them)
	@set -e; for file in $$(grep -rlE --include=*_test.go '^func Fuzz' bumper action plugin/internal | sort); do \
		for name in $$(grep -oE '^func Fuzz[A-Za-z0-9]*$(FUZZ)[A-Za-z0-9]*' $$file | cut -d' ' -f2); do \
			echo "== $$name in $$(dirname $$file)"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file) | tail -n 3; test "$${PIPESTATUS[0]}" = 0; \
		done; \
	done

# Parsers of bytes that somebody else sends: a pack of Git, an index of charts, a manifest of a registry, archives, the record of
# an app, a Chart.lock, gitops.yaml.
PARSERS = FuzzPack FuzzFind FuzzRegistry FuzzUnpack FuzzDecodeInventory FuzzLock FuzzLoad

.PHONY: fuzz-parsers
fuzz-parsers: ## Look for bytes that break what parses bytes of others: a minute each, two at a time (FUZZTIME=1h)
	@printf '%s\n' $(PARSERS) | xargs -P 2 -n 1 .ci/fuzz $(if $(filter 10s,$(FUZZTIME)),1m,$(FUZZTIME))

.PHONY: corpus
corpus: ## Bump every image of real repositories (CORPUS=DIR with a directory or .tar.xz for each; default: ../shared/corpus)
	CORPUS=$(if $(CORPUS),$(abspath $(CORPUS)),) go test -count=1 -timeout 60m -run TestRepositories -v $(TESTFLAGS) ./bumper

.PHONY: e2e
e2e: control-plane ## Run the scripts in plugin/e2e/testdata/script (TESTFLAGS='-v -run TestScripts/NAME' for one)
	go -C plugin/e2e test -count=1 -timeout 60m $(TESTFLAGS) .

.PHONY: node
node: control-plane ## Run the tests in real pods (root on Linux; .ci/node-packages installs containerd and the rest; SOAK=1: 50 kills)
	go -C plugin/e2e test -count=1 -timeout 30m -v $(TESTFLAGS) ./node

.PHONY: peers
peers: control-plane ## Run the hand-overs beside the controllers of Flux, built from their Go modules (the first time half an hour)
	PEERS=1 go -C plugin/e2e test -count=1 -timeout 90m -v -run TestPeers $(TESTFLAGS) .

.PHONY: control-plane
control-plane: # Built before the tests, because go test would hide its progress.
	@go -C plugin/e2e run ./cmd/controlplane >/dev/null

.PHONY: demo demo-up demo-down
demo: bin/demo ## Show the loop on a local cluster, step by step (DEMO_CLUSTER=current: on yours)
	@exec bin/demo run
demo-up: bin/demo ## Leave the local cluster and the config repository of the demo running
	@exec bin/demo up
demo-down: bin/demo ## Stop what demo-up started
	@exec bin/demo down

.PHONY: pictures
pictures: bin/demo ## Draw docs/pictures from real runs on a local cluster
	@bin/demo pictures

.PHONY: bin/demo
bin/demo: build
	@go -C plugin/e2e build -o ../../bin/demo ./demo

.PHONY: bench
bench: control-plane ## Measure beside Flux' engine, kapp and kubectl, and write docs/benchmarks.md (hours; BENCHFLAGS='-sizes 100 -runs 1')
	go -C plugin/e2e/bench run . -o $(CURDIR)/docs/benchmarks.md $(BENCHFLAGS)

.PHONY: bench-node
bench-node: control-plane ## Measure what a job in the cluster costs, and write docs/in-cluster-cost.md (six minutes; root on Linux)
	COST_DOC=$(CURDIR)/docs/in-cluster-cost.md go -C plugin/e2e test -count=1 -timeout 30m -v -run TestCost ./node

.PHONY: bench-bigrepo
bench-bigrepo: ## Measure a repository of 1 GB and 200,000 files beside git, and write docs/big-repositories.md (minutes; 6 GB of disk; Linux)
	BIGREPO_DOC=$(CURDIR)/docs/big-repositories.md go test -count=1 -timeout 60m -v -run '^TestBigRepository$$' ./plugin/internal/source/git

.PHONY: soak
soak: control-plane ## Drift at random for ten minutes, and 500 apps with 10,000 objects (SOAK=1h, SEED=n)
	SOAK=$${SOAK:-10m} go -C plugin/e2e test -count=1 -timeout 3h -run 'TestRandom|TestManyApps' -v .

.PHONY: gobench
gobench: control-plane ## Run the Go benchmarks (BENCH=regexp selects)
	@set -e; for module in $(MODULES); do \
		go -C $$module test -timeout 60m -run '^$$' -bench '$(BENCH)' -benchmem $(TESTFLAGS) ./...; \
	done

# A release is three steps: release-prepare VERSION=1.2.3, release-tag VERSION=1.2.3, and a push of the tag.
DIST ?= $(CURDIR)/dist/release
RELEASE := go -C .ci/release run . -dir $(CURDIR) -o $(DIST)

.PHONY: release-snapshot release-reproducible release-prepare release-tag krew cross
release-snapshot: ## Build what a release consists of into dist/release, from the checkout as it is (RELEASEFLAGS='-platforms linux/amd64')
	@$(RELEASE) $(RELEASEFLAGS) snapshot $(VERSION)

release-prepare: ## Build the action and commit its digests (VERSION=1.2.3)
	@$(RELEASE) prepare $(VERSION)

release-tag: ## Build it again, compare, and tag that commit (VERSION=1.2.3); pushing the tag starts the release
	@$(RELEASE) tag $(VERSION)

release-reproducible: ## Build the last commit twice, in two clones, and compare (RELEASEFLAGS as above)
	@set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; for clone in one other/directory; do \
		git clone --quiet . "$$tmp/$$clone"; \
		go -C .ci/release run . -dir "$$tmp/$$clone" -o "$$tmp/$$clone/dist" $(RELEASEFLAGS) snapshot 1.0.0; \
	done; diff "$$tmp/one/dist/checksums.txt" "$$tmp/other/directory/dist/checksums.txt" && echo "the same, byte for byte"

krew: ## Write dist/gitops.yaml for what is in dist/release, and check it with krew's own program
	@mkdir -p dist && $(RELEASE) krew $(VERSION) >dist/gitops.yaml
	@cd .ci/krew && go tool validate-krew-manifest -skip-install -manifest $(CURDIR)/dist/gitops.yaml

cross: ## Build both programs for all six platforms
	@set -e; for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do \
		echo "go build for $$platform"; \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} go build -ldflags '$(LDFLAGS)' -o dist/cross/$${platform%/*}_$${platform#*/}/ ./cmd/...; \
	done

.PHONY: docs
docs: ## Write the reference in docs/ from the code: commands, schemas of -o json, annotations, the action's inputs
	@go run ./plugin/internal/docgen
	@go test ./action -run TestDocsListEveryInputAndOutput -update >/dev/null

.PHONY: fmt
fmt: ## Format the code
	gofmt -w -s $$(git ls-files '*.go')

.PHONY: lint
lint: ## Run go vet and staticcheck
	@root=$$PWD; failed=; for module in $(MODULES); do \
		echo "== go vet and staticcheck in $$module"; \
		go -C $$module vet ./... || failed=1; \
		(cd $$module && go tool -modfile=$$root/.ci/lint/go.mod staticcheck ./...) || failed=1; \
	done; test -z "$$failed"

.PHONY: verify
verify: lint ## Check format, lint and go.mod files, and change nothing
	@unformatted=$$(gofmt -l -s $$(git ls-files '*.go')); \
		if [ -n "$$unformatted" ]; then printf 'not formatted (make fmt does it):\n%s\n' "$$unformatted"; exit 1; fi
	@found=$$(git ls-files 'go.mod' '*/go.mod' | xargs -n1 dirname | sort | tr '\n' ' '); \
		listed=$$(printf '%s\n' $(ALL_MODULES) | sort | tr '\n' ' '); \
		if [ "$$found" != "$$listed" ]; then echo "modules: found $$found, the Makefile lists $$listed"; exit 1; fi
	@echo "== the reference in docs/ fits the code"; go test ./plugin/internal/docgen && go test -run Docs ./action
	@set -e; for module in $(ALL_MODULES); do \
		echo "== go mod tidy -diff in $$module"; go -C $$module mod tidy -diff; \
	done

.PHONY: clean
clean: ## Remove what make built here (the control plane stays in the user's cache directory)
	rm -rf bin dist
