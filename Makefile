# `make demo` and `make test` need only Debian, Python ≥ 3.11, pip and make. `make help` lists all targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RIVALS := $(VENV)/.installed-rivals
QLIB := .venv-qlib
QLIB_INSTALLED := $(QLIB)/.installed
BACKTESTERS := .venv-backtesters
BACKTESTERS_INSTALLED := $(BACKTESTERS)/.installed
CHROMIUM := /usr/bin/chromium
TOOLS := /usr/bin/mu /usr/bin/promtool /usr/share/perl5/MIME/Parser.pm
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
PIP_LOCKED := $(PIP_INSTALL) --require-hashes --no-deps --only-binary :all:
LOCK := $(BIN)/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header

export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
# Containers set it; then every process of the suite would recompile all tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test test-fast check format test-prefect test-bucket test-docs test-browser screens test-tools test-slices test-more test-wheel prove prove-execution mutate bench market null planted power qlib backtesters regime selection costs strategies docs site lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(INSTALLED) ## install into .venv (every other target does this first)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Afterclose needs Python 3.11 or newer: make PYTHON=python3.11 …" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python cannot make virtual environments here: apt-get install python3-venv" >&2; exit 2; }
	@echo "Installing into $(VENV) (about two minutes the first time) …" >&2
	@rm -f $(INSTALLED)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_LOCKED) -r requirements.lock
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)
	@echo "Installed. Next: source $(BIN)/activate" >&2

demo: $(INSTALLED) ## simulate a market, train a champion, run the last sessions, print the path of the report
	@$(BIN)/afterclose --home demo demo

test: $(INSTALLED) ## run the default test suite
	@$(BIN)/python -m pytest

test-fast: $(INSTALLED) ## run only the unit tests
	@$(BIN)/python -m pytest --hypothesis-profile fast tests/unit

check: $(INSTALLED) ## check format, lint, types and import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: $(INSTALLED) ## format the code and apply automatic fixes
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

test-prefect: $(INSTALLED) ## run the flows under a local Prefect server
	@$(BIN)/python -m pytest -n 0 -m prefect tests/flows

test-bucket: $(INSTALLED) ## test the lake in a bucket of a local S3 server
	@$(BIN)/python -m pytest -m 'bucket and not prove'

test-browser: $(INSTALLED) $(CHROMIUM) ## approve, strike and reject in Chromium, and check that the pages are accessible
	@$(BIN)/python -m pytest -m 'browser and not prove'

screens: demo $(CHROMIUM) ## take the screenshots of the documentation in Chromium, from the demo
	@$(BIN)/python -m tests.documentation.screens demo

$(CHROMIUM):
	@[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "Chromium is missing: apt-get install chromium" >&2; exit 2; }
	@apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null

test-tools: $(INSTALLED) $(TOOLS) ## parse an e-mail with Debian's mail readers, check the alert rules with promtool
	@$(BIN)/python -m pytest -m 'tools and not prove'

$(TOOLS):
	@[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "$@ is missing: apt-get install maildir-utils libmime-tools-perl prometheus" >&2; exit 2; }
	@apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends maildir-utils libmime-tools-perl prometheus >/dev/null

test-slices: $(INSTALLED) ## run a short part of each long test
	@$(BIN)/python -m pytest -m 'slice and not prove'

test-more: $(INSTALLED) $(CHROMIUM) $(TOOLS) ## run test-bucket, -browser, -tools, -slices and -docs together, which is faster
	@$(BIN)/python -m pytest -m '(bucket or browser or tools or slice or docs) and not prove'

test-docs: $(INSTALLED) ## run the commands that the documentation shows, and reproduce the symptoms that it describes
	@$(BIN)/python -m pytest -m 'docs and not prove'

test-wheel: $(INSTALLED) ## build and install the wheel and run its command line
	@$(BIN)/python -m pytest -n 0 -m wheel tests/acceptance

prove: $(INSTALLED) ## run the long tests: planted alpha, no false alpha, regimes, kills at every write
	@$(BIN)/python -m pytest -m prove
	@$(BIN)/python -m pytest --hypothesis-profile explore -m 'hypothesis and not prove and not prefect and not wheel and not bucket and not docs'

prove-execution: $(INSTALLED) ## kill an execution at every point under every behavior of the broker (docs/reliability.md)
	@$(BIN)/python -m pytest -m execution tests/faults

mutate: $(INSTALLED) ## run mutation tests of the code for money, time and halting (docs/testing.md)
	@$(BIN)/python -m tests.mutate

bench: $(RIVALS) ## measure time and memory against baselines; rewrites the tables in docs/performance.md
	@$(BIN)/python -m tests.bench

market: $(INSTALLED) ## compare twenty simulated markets with the real one; rewrites the table in docs/simulated-market.md
	@$(BIN)/python -m tests.market

null: $(INSTALLED) ## check that at most 2 of 40 markets without a signal confirm a candidate, and few in any of 26 weeks (starts none after 85 minutes; run again to resume)
	@$(BIN)/python -m tests.power --planted 0 --judge --minutes 85

planted: $(INSTALLED) ## check that at least 16 of 20 markets with a planted IC of 0.08 confirm a learner (starts none after 85 minutes; run again to resume)
	@$(BIN)/python -m tests.power --planted 0.08 --judge --minutes 85

power: $(INSTALLED) ## measure what the weekly selection finds on 100 simulated markets (about an hour and a half); rewrites the tables in docs/model-selection.md
	@$(BIN)/python -m tests.power $(POWER)

$(RIVALS): $(INSTALLED) requirements-bench.lock
	@$(BIN)/python $(PIP_LOCKED) -r requirements-bench.lock
	@touch $(RIVALS)

qlib: $(QLIB_INSTALLED) ## install Qlib into .venv-qlib, as a baseline for `make bench`

$(QLIB_INSTALLED): requirements-qlib.lock
	@$(PYTHON) -m venv $(QLIB)
	@$(QLIB)/bin/python $(PIP_LOCKED) -r requirements-qlib.lock
	@touch $(QLIB_INSTALLED)

backtesters: $(BACKTESTERS_INSTALLED) ## install bt, cvxportfolio and vectorbt into .venv-backtesters, as baselines for `make bench`

$(BACKTESTERS_INSTALLED): requirements-backtesters.lock
	@$(PYTHON) -m venv $(BACKTESTERS)
	@$(BACKTESTERS)/bin/python $(PIP_LOCKED) -r requirements-backtesters.lock
	@touch $(BACKTESTERS_INSTALLED)

regime: $(INSTALLED) ## rewrite the results of the regime rules on real prices in docs/regime.md
	@$(BIN)/python -m tests.documentation.regime_record

selection: $(INSTALLED) ## rewrite the figures on real prices in docs/model-selection.md
	@$(BIN)/python -m tests.documentation.selection_record

costs: $(INSTALLED) ## rewrite the figures on real prices in docs/costs.md
	@$(BIN)/python -m tests.documentation.costs_record

strategies: $(INSTALLED) ## rewrite the figures of two rules on real prices in docs/backtest.md
	@$(BIN)/python -m tests.documentation.strategies_record

docs: $(INSTALLED) ## rewrite the generated pages of docs/
	@$(BIN)/python -m tests.documentation.generate

# Excluded from Qlib's lock: what its data layer never imports (notebooks, models, plots).
lock: $(INSTALLED) ## resolve pyproject.toml into the lock files, with hashes and without index URLs
	@$(LOCK) --extra dev pyproject.toml --output-file requirements.lock
	@$(LOCK) --group bench --output-file requirements-bench.lock
	@$(LOCK) --group backtesters --output-file requirements-backtesters.lock
	@printf '%s\n' cvxpy gym jupyter lightgbm matplotlib mlflow nbconvert pymongo \
		| $(LOCK) --group qlib --excludes - --output-file requirements-qlib.lock

site: $(INSTALLED) ## build the documentation site into site/
	@$(BIN)/zensical build --clean --strict

clean: ## delete the environments and the demo's home
	@rm -rf $(VENV) $(QLIB) $(BACKTESTERS) demo
