# Needs python3 (3.11 or newer), pip, git and make. `make help` lists the targets.

PYTHON ?= python3
PORT ?= 4200
UV ?= uv
PYTEST_ARGS ?= -n auto
ROWS ?= 1000000
ROUNDS ?= 3
CASES ?= 1000
FIRST ?= 0

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
PEERS := $(VENV)/peers
PEER_ENVS := $(patsubst benchmarks/peers/%.txt,$(PEERS)/%/.ready,$(wildcard benchmarks/peers/*.txt))
USER_ENV := $(VENV)/users
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" $(LOCK_ARGS)
LOCK := $(COMPILE) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help install demo test faults lint ui bench fuzz dist lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(RUNTIME) ## create .venv with the contacts command

demo: $(RUNTIME) ## import data/contacts.csv into the SQLite warehouse in data/
	$(BIN)/contacts import data/contacts.csv
	$(BIN)/contacts imports
	$(BIN)/contacts list --limit 5

test: $(DEV) ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

faults: $(DEV) ## kill imports and break their databases at every stage (takes minutes)
	@rm -f .faults
	CONTACTS_FAULTS_REPORT=$(CURDIR)/.faults $(BIN)/python -m pytest $(PYTEST_ARGS) -m "harness or not harness" tests/faults
	@sort .faults | uniq -c

lint: $(DEV) ## run ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ui: $(RUNTIME) ## start Prefect's UI with the runs of the contacts command, and print its password (PORT=4200)
	@$(BIN)/python -P -m flows.cli.servers.ui_server $(PORT)

bench: $(DEV) $(PEER_ENVS) $(USER_ENV)/.ready ## measure imports beside other tools (ROWS=1000000 ROUNDS=3 ONLY=loads,check)
	$(BIN)/python -m benchmarks.run --rows $(ROWS) --rounds $(ROUNDS) --only "$(ONLY)" \
		--python $(USER_ENV)/bin/python --peers $(PEERS) $(BENCH_ARGS)

fuzz: $(DEV) ## check generated and damaged files against an independent judge (CASES=1000 FIRST=0)
	$(BIN)/python -m tests.fuzz.run --cases $(CASES) --first $(FIRST)

dist: $(RUNTIME) ## build a wheel in dist/
	$(BIN)/python -m hatchling build -t wheel

lock: ## update the requirements files from pyproject.toml (needs uv; LOCK_ARGS=--upgrade)
	$(LOCK) --group build --output-file requirements.txt
	$(LOCK) --group dev --constraints requirements.txt --output-file requirements-dev.txt
	set -e; for file in benchmarks/peers/*.in; do $(COMPILE) $$file --output-file $${file%.in}.txt; done

clean: ## remove .venv, builds and caches; the warehouse in data/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find flows schemas transforms warehouse tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, but $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
			"choose another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# Both install into .venv: requirements-dev.txt includes requirements.txt, at the same versions. The files are
# complete, and old versions of pip misread a pinned package with an extra: hence --no-deps.
$(RUNTIME): requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the packages into $(VENV); this takes a few minutes the first time"
	$(PIP) install --require-hashes --no-deps -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# One environment for each tool that imports are compared with: versions conflict, and some tools lack a wheel for this
# machine. `make bench` leaves those out.
$(PEERS)/%/.ready: benchmarks/peers/%.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps -r $< && touch $@ || \
		echo "The packages of $< could not be installed here: $* is left out" >&2

# The benchmarks run the command without the development tools, because Pandera loads some of them.
$(USER_ENV)/.ready: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PYTHON) -m venv $(USER_ENV)
	$(USER_ENV)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps -r $<
	$(USER_ENV)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the packages and the development tools into $(VENV); this takes a few minutes the first time"
	$(PIP) install --require-hashes --no-deps -r requirements-dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUNTIME) $@
