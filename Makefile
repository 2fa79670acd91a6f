# What can be done with this tree. `make` alone explains.
.DEFAULT_GOAL := help
.PHONY: help setup up down reset chat test coverage check prove chaos bench load clean
PY := .venv/bin/python
JOBS := 2
yes = $(filter 1 yes true,$(1))

help: ## Show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  State lives in AIOX_HOME (./var), settings in AIOX_HOME/hub.toml. Everything else: .venv/bin/aiox --help"

setup: ## Install what is missing: Debian packages, .venv, embedding model (quick when nothing is)
	@sh setup/debian.sh
	@sh setup/python.sh
	@sh setup/web.sh

up: setup ## Start the whole hub and ask the demo agent a question; Ctrl-C stops it. ONCE=1: stop after the answer
	@$(PY) -m aiox.cli.main up $(if $(call yes,$(ONCE)),--once)

down: ## Stop a running hub in order
	@[ ! -x $(PY) ] || $(PY) -m aiox.cli.main down

reset: ## Stop the hub and delete AIOX_HOME (asks first; YES=1 does not)
	@[ ! -x $(PY) ] || $(PY) -m aiox.cli.main reset $(if $(call yes,$(YES)),--yes)

chat: setup ## Talk to the demo agent in the terminal
	@$(PY) -m aiox.cli.main chat

test: setup ## Run every test against real parts in throw-away homes, JOBS=2 files at a time. ARGS= goes to pytest
	@sh setup/test_clients.sh
	@$(PY) -m setup.suite --numprocesses $(JOBS) --dist loadfile $(ARGS)

coverage: setup ## Run the tests and say which share of the lines they run (slower than make test). ARGS= goes to pytest
	@sh setup/test_clients.sh
	@$(PY) -m setup.covered --numprocesses $(JOBS) --dist loadfile $(ARGS)

check: setup ## Judge the code: ruff, mypy --strict, import contracts, sizes, generated files
	@sh setup/check.sh

prove: setup ## Run the long rounds with full figures. PART=name: those whose name contains it; SEED=n repeats one
	@$(PY) -m setup.prove "$(PART)" $(SEED)

chaos: ## Kill processes under load, the long round. SEED=n repeats one (make prove PART=chaos)
	@$(MAKE) --no-print-directory prove PART=chaos SEED=$(SEED)

bench: setup ## Measure the hub beside its peers. ARGS= goes to the harness
	@$(PY) -m bench $(ARGS)

load: setup ## Offer a throw-away hub so many messages a second: samples, table, pictures. ARGS="--rate 50 --seconds 30"
	@$(PY) -m bench.load $(ARGS)

clean: ## Delete .venv, .venv-bench and caches; AIOX_HOME stays
	@rm -rf .venv .venv-bench* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
