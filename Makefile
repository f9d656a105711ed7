# The front door: `make help` lists what there is.

SHELL      := /bin/bash
.SHELLFLAGS := -euo pipefail -c
GO         ?= go
BIN        := bin/dcosflow
PREFIX     ?= $(HOME)/.local
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME   ?= 10s

GOLANGCI_LINT_VERSION := v2.15.0

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build prerequisites ## build the tool and run the main job: upgrade a real three-member etcd
	$(BIN) run workflows/etcd/upgrade-test.hcl $(ARGS)

.PHONY: test
test: unit acceptance ## everything: unit tests, contracts on real nodes, acceptance rows

.PHONY: check
check: ## what must pass before a commit: fmt, tidy, vet, lint, unit tests
	@.ci/fmt-check
	$(GO) mod tidy -diff
	$(GO) vet ./...
	@$(MAKE) --no-print-directory lint unit

.PHONY: unit
unit: prerequisites ## tests of all rooms; the Docker backend's contract needs Docker
	$(GO) test $$($(GO) list ./... | grep -v '/acceptance$$')

.PHONY: acceptance
acceptance: build prerequisites ## one line per acceptance row; ROWS="A01 A27" runs only those
	$(GO) run ./acceptance/rows -bin $(BIN) $(ROWS)

.PHONY: lint
lint: bin/golangci-lint-$(GOLANGCI_LINT_VERSION) ## golangci-lint, built into bin/ on first use
	$< run ./...

bin/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION), once (some minutes)"
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv bin/golangci-lint $@

.PHONY: fmt
fmt: ## gofmt every Go file
	gofmt -w $$(git ls-files -co --exclude-standard '*.go')

.PHONY: bench
bench: build image ## compare with bare Go programs: bench.json, exit 1 over a limit
	$(GO) run ./acceptance/bench

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each (10s)
	@.ci/fuzz $(FUZZTIME)

.PHONY: standin
standin: prerequisites ## stand-in DC/OS installers, bin/standin/VERSION, to try the DC/OS workflow
	$(GO) run ./acceptance/standin -release 1.13.9 -out bin/standin/1.13.9
	$(GO) run ./acceptance/standin -release 2.2.9 -out bin/standin/2.2.9

.PHONY: image
image: build prerequisites ## make the node image debian-12 (a run does so by itself when it is missing)
	$(BIN) image build debian-12

.PHONY: build
build: ## build bin/dcosflow
	@mkdir -p bin
	$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/dcosflow

.PHONY: install
install: build ## install the tool into PREFIX/bin (~/.local/bin)
	install -D -m 0755 $(BIN) $(DESTDIR)$(PREFIX)/bin/dcosflow

.PHONY: clean
clean: ## remove dead runs' machines and files, then what make built (the node image stays)
	@if [ -x $(BIN) ]; then $(BIN) clean; fi
	rm -rf bin bench.json

.PHONY: prerequisites
prerequisites:
	@.ci/prerequisites
