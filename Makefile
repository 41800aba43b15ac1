# The commands people type. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first Python on the path that is new enough; `make run PYTHON=/path/to/python3` names another.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$p; break; }; done)

NO_PYTHON = Retrigger needs Python 3.11 or newer; $(if $(PYTHON),$(PYTHON) is not that,none was found). \
	Install one, or name it: make run PYTHON=/path/to/python3

VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
PIP := pip install --quiet --quiet --disable-pip-version-check --no-input
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-config $(UPGRADE)
WORKERS ?= 2

.PHONY: help run test check lint format bench bench-slack chaos screenshots lock clean

help:  ## list these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: $(VENV)/run.stamp  ## start the demo: a local Slack in the browser, the engine, and outside systems to break
	@exec $(BIN)/retrigger demo

test: $(VENV)/dev.stamp  ## run the tests (ARGS="-k word" for some of them)
	@$(BIN)/pytest -n $(WORKERS) $(ARGS)

check: lint test  ## everything a change must pass: lint, then the tests

lint: $(VENV)/dev.stamp  ## ruff, mypy and the import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/dev.stamp  ## let ruff format the code
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(BENCH)/bench.stamp  ## the figures of docs/benchmarks.md, peers beside us (ARGS="throughput kill" for some parts)
	@$(BENCH)/bin/python -m benchmarks $(ARGS)

bench-slack: $(VENV)/dev.stamp  ## click to acknowledgement, submit to the outside call, block to alert (ARGS="--seconds 60")
	@$(BIN)/python -m benchmarks.slack $(ARGS)

chaos: $(VENV)/dev.stamp  ## the long form of the tests that kill processes and break networks, then of all others (under an hour)
	@$(BIN)/pytest tests/chaos --slow --timeout 1800 --durations 10 $(ARGS)
	@$(BIN)/pytest tests --ignore tests/chaos --slow -m slow --timeout 1800 --durations 10 $(ARGS)

screenshots: $(VENV)/dev.stamp  ## make the pictures of docs/images anew, from the demo in a browser
	@$(BIN)/python -m tests.e2e.screenshots

lock: $(VENV)/installer.stamp  ## renew requirements/*.txt; UPGRADE=--upgrade takes the newest releases
	@$(LOCK) pyproject.toml --extra demo --group build --output-file requirements/run.txt
	@$(LOCK) pyproject.toml --all-extras --group dev --constraints requirements/run.txt --output-file requirements/dev.txt
	@$(LOCK) pyproject.toml --all-extras --group bench --constraints requirements/run.txt --output-file requirements/bench.txt
	@$(LOCK) pyproject.toml --extra distributed --group build --constraints requirements/run.txt --output-file requirements/server.txt
	@$(LOCK) --group installer --output-file requirements/installer.txt

clean:  ## remove the environment and everything that was built
	@rm -rf $(VENV) $(BENCH) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find bot engine storage retrigger tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# The environment. A stamp is newer than the lock it was made from, so a second `make run` installs nothing.
# pip brings uv, uv brings the rest in seconds. uv does not read pip's settings: where only those lead to a package
# index, pip does the work itself.
$(VENV)/installer.stamp: requirements/installer.txt
	@$(BIN)/pip --version >/dev/null 2>&1 || { \
		[ -n "$(PYTHON)" ] && $(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { echo "$(NO_PYTHON)" >&2; exit 1; }; \
		echo "Making $(VENV) with $$($(PYTHON) -V) (about 10 seconds, once)…"; \
		$(PYTHON) -m venv --clear $(VENV); \
	}
	@$(BIN)/$(PIP) --require-hashes -r $<
	@touch $@

define install
	@echo "Installing the locked dependencies (under a minute, once)…"
	@$(BIN)/uv pip install --quiet --python $(1)/python --require-hashes -r $< 2>$(VENV)/uv.log \
		|| $(1)/$(PIP) --require-hashes -r $<
	@$(1)/$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
endef

$(VENV)/run.stamp: requirements/run.txt pyproject.toml $(VENV)/installer.stamp
	$(call install,$(BIN))

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml $(VENV)/installer.stamp
	$(call install,$(BIN))

# The peers have an environment of their own: what Celery pins must not decide what we are tested with.
$(BENCH)/bench.stamp: requirements/bench.txt pyproject.toml $(VENV)/installer.stamp
	@$(PYTHON) -m venv --clear $(BENCH)
	$(call install,$(BENCH)/bin)
