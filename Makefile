# Everything a clone needs, with python3 (3.11 or newer), pip, git and make. `make help` lists it.

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
USERS := $(VENV)/users
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
HOME_OF_RUNS := $(BIN)/python -c 'from flows.config.environment import prefect_home; print(prefect_home())'
# `prefect server start --port` would leave the UI calling port 4200; hence PREFECT_SERVER_API_PORT below.
LOCK_OF := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" $(LOCK_ARGS)
LOCK := $(LOCK_OF) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help install demo test faults lint ui bench fuzz lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(RUNTIME) ## make .venv with the contacts command

demo: $(RUNTIME) ## import the sample file into the embedded warehouse and show the result
	$(BIN)/contacts import data/contacts.csv
	$(BIN)/contacts imports

test: $(DEV) ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

faults: $(DEV) ## kills and other faults, everywhere an import can be hit (minutes), and what came of them
	@rm -f .faults
	CONTACTS_FAULTS_REPORT=$(CURDIR)/.faults $(BIN)/python -m pytest $(PYTEST_ARGS) -m "harness or not harness" tests/faults
	@sort .faults | uniq -c

lint: $(DEV) ## run the linters: ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ui: $(RUNTIME) ## Prefect's UI over the command's runs, at http://127.0.0.1:$PORT
	@echo "Prefect UI: http://127.0.0.1:$(PORT) (Ctrl-C stops it)"
	@home="$$($(HOME_OF_RUNS))" && mkdir -p -m 700 "$$home" && \
		env -u PREFECT_API_URL PREFECT_SERVER_API_PORT=$(PORT) PREFECT_HOME="$$home" \
		DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_SERVER_LOGGING_LEVEL=ERROR \
		$(BIN)/prefect server start

bench: $(DEV) $(PEERS)/.ready $(USERS)/.ready ## imports beside bare loads and other tools (ROWS=1000000 ROUNDS=3 ONLY=loads,check)
	$(BIN)/python -m benchmarks.run --rows $(ROWS) --rounds $(ROUNDS) --only "$(ONLY)" \
		--python $(USERS)/bin/python --peers $(PEERS)/bin/python $(BENCH_ARGS)

fuzz: $(DEV) ## made-up and damaged files, each checked and judged (CASES=1000 FIRST=0)
	$(BIN)/python -m tests.fuzz.run --cases $(CASES) --first $(FIRST)

lock: ## renew the locked requirements (needs uv; LOCK_ARGS=--upgrade takes newer releases)
	$(LOCK) --group build --output-file requirements.txt
	$(LOCK) --group dev --constraints requirements.txt --output-file requirements-dev.txt
	$(LOCK_OF) benchmarks/peers/requirements.in --output-file benchmarks/peers/requirements.txt

clean: ## remove .venv and what the tools left; the warehouse and imports in data/ stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find flows schemas transforms warehouse tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
			"name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# One .venv serves both: the development list holds the runtime one at the same versions. The lists are
# complete, and older pips misread a pin when a dependency asks for an extra of it: hence --no-deps.
$(RUNTIME): requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes --no-deps -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# What imports are compared with lives apart: it is no dependency of the project, and may disagree with it.
$(PEERS)/.ready: benchmarks/peers/requirements.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps -r $<
	@touch $@

# What is measured runs as users have it: Pandera loads packages of the tests where it finds them.
$(USERS)/.ready: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PYTHON) -m venv $(USERS)
	$(USERS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps -r $<
	$(USERS)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes --no-deps -r requirements-dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUNTIME) $@
