# Two commands need nothing but Debian, Python ≥ 3.11, pip and make: `make demo` and `make test`.
# Everything else says what it is below; `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RIVALS := $(VENV)/.installed-rivals
QLIB := .venv-qlib
QLIB_INSTALLED := $(QLIB)/.installed
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
PIP_LOCKED := $(PIP_INSTALL) --require-hashes --no-deps --only-binary :all:
LOCK := $(BIN)/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header

export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
# Containers set it; then each process of the suite would compile every test, with its assertions rewritten, anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test test-fast check format test-prefect test-wheel prove mutate bench qlib docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(INSTALLED) ## set everything up in .venv (every other target does this by itself)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Afterclose needs Python 3.11 or newer: make PYTHON=python3.11 …" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python cannot make virtual environments here: apt-get install python3-venv" >&2; exit 2; }
	@echo "Installing into $(VENV) (about two minutes the first time) …" >&2
	@rm -f $(INSTALLED)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_LOCKED) -r requirements.lock
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

demo: $(INSTALLED) ## simulate a market, train a champion, run the last sessions, say where the report is
	@$(BIN)/afterclose --home demo demo

test: $(INSTALLED) ## the default suite
	@$(BIN)/python -m pytest

test-fast: $(INSTALLED) ## the unit tests alone, while you work
	@$(BIN)/python -m pytest tests/unit

check: $(INSTALLED) ## format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: $(INSTALLED) ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

test-prefect: $(INSTALLED) ## the flows under a real local Prefect server
	@$(BIN)/python -m pytest -n 0 -m prefect tests/flows

test-wheel: $(INSTALLED) ## the wheel, built and installed apart from the checkout: the whole command line from it
	@$(BIN)/python -m pytest -n 0 -m wheel tests/acceptance

prove: $(INSTALLED) ## long proofs on the simulated market: alpha found, none invented, regimes seen, kills survived
	@$(BIN)/python -m pytest -m prove
	@$(BIN)/python -m pytest --hypothesis-profile explore -m 'hypothesis and not prove and not prefect and not wheel'

mutate: $(INSTALLED) ## mutation testing of what handles money, time or halting; see docs/testing.md
	@$(BIN)/python -m tests.mutate

bench: $(RIVALS) ## time and memory against a baseline in the same run; rewrites the tables in docs/performance.md
	@$(BIN)/python -m tests.bench

$(RIVALS): $(INSTALLED) requirements-bench.lock
	@$(BIN)/python $(PIP_LOCKED) -r requirements-bench.lock
	@touch $(RIVALS)

qlib: $(QLIB_INSTALLED) ## set Qlib up in .venv-qlib, for `make bench` to compare with

$(QLIB_INSTALLED): requirements-qlib.lock
	@$(PYTHON) -m venv $(QLIB)
	@$(QLIB)/bin/python $(PIP_LOCKED) -r requirements-qlib.lock
	@touch $(QLIB_INSTALLED)

docs: $(INSTALLED) ## rewrite the generated pages
	@$(BIN)/python -m tests.documentation.generate

# Qlib does without what its data layer never imports: notebooks, models, plots.
lock: $(INSTALLED) ## resolve pyproject.toml into the lock files, with hashes and without addresses
	@$(LOCK) --extra dev pyproject.toml --output-file requirements.lock
	@$(LOCK) --group bench --output-file requirements-bench.lock
	@printf '%s\n' cvxpy gym jupyter lightgbm matplotlib mlflow nbconvert pymongo \
		| $(LOCK) --group qlib --excludes - --output-file requirements-qlib.lock

clean: ## remove the environments and the demo's home
	@rm -rf $(VENV) $(QLIB) demo
