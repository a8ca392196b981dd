# The commands of this project. Each does its own set-up; `make help` lists them.
# Needed beforehand: Python 3.11 or newer (`make PYTHON=python3.12 …` names another than python3) and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROMPT ?= a cat on a windowsill, morning light

.DEFAULT_GOAL := help
.PHONY: help demo test check fix crash bench docs lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed ## a picture from a prompt, without an account: make demo PROMPT="…"
	@$(BIN)/python scripts/demo.py "$(PROMPT)"

test: $(VENV)/.developing ## every check that CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python scripts/docs.py --check
	$(BIN)/pytest

check: $(VENV)/.developing ## the quick part of `test`: format, lint, imports, types, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python scripts/docs.py --check

fix: $(VENV)/.developing ## format, mend what can be mended, write the generated pages anew
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python scripts/docs.py

crash: $(VENV)/.developing ## kill -9 of real gateways: 100 kills over 500 jobs
	$(BIN)/python -m tests.crash.harness --kills 100 --jobs 500

bench: $(VENV)/.developing ## 1,000 requests at once, and the time to start
	$(BIN)/python benchmarks/concurrent_images.py
	$(BIN)/python benchmarks/start_up.py

docs: fix ## the generated pages

lock: $(VENV)/.developing ## read the newest allowed versions of all dependencies into requirements/
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/python scripts/lock.py

clean: ## remove what the commands made
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The package is compiled here: where Python may not write bytecode, each start would compile it again.
$(VENV)/.installed: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; this is $$($(PYTHON) -V). Try: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what the gateway needs into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.developing: $(VENV)/.installed requirements/dev.txt
	@echo "installing what the checks need into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
