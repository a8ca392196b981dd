# The commands of this project. Each does its own set-up; `make help` lists them.
# Needed beforehand: Python 3.11 or newer (`make PYTHON=python3.12 …` names another than python3) and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := $(VENV)/clients
JS := tests/clients/js
PROMPT ?= a cat on a windowsill, morning light

.DEFAULT_GOAL := help
.PHONY: help demo test check fix crash crash-kills crash-forks crash-chaos crash-replicas crash-cuts crash-load
.PHONY: bench choices clients docs fuzz ledger lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.installed ## a picture from a prompt, without an account: make demo PROMPT="…"
	@$(BIN)/python scripts/demo.py "$(PROMPT)"

test: $(VENV)/.developing $(JS)/node_modules ## every check that CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python scripts/docs.py --check
	$(BIN)/python scripts/run_tests.py

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

crash: crash-kills crash-forks crash-chaos crash-replicas crash-cuts crash-load ## all proofs below; over an hour

crash-kills: $(VENV)/.developing ## kill -9 of real gateways: 200 kills over 4,000 jobs on each database
	$(BIN)/python -m tests.crash.harness --kills 200 --jobs 4000 --database sqlite
	$(BIN)/python -m tests.crash.harness --kills 200 --jobs 4000 --database postgresql

crash-forks: $(VENV)/.developing ## 50,000 kills at named failpoints, 10,000 lost answers
	$(BIN)/python -m tests.crash.forked --kills 50000 --workers 2
	$(BIN)/python -m tests.crash.ambiguous --submits 10000

crash-chaos: $(VENV)/.developing ## 72 hours of trouble in virtual time, 20 times
	$(BIN)/python -m tests.chaos.run --hours 72 --seeds 20

crash-replicas: $(VENV)/.developing ## two gateways on one PostgreSQL, one of them killed, stopped, cut off
	$(BIN)/python -m tests.crash.replicas --jobs 300 --accounts 10 --how kill
	$(BIN)/python -m tests.crash.replicas --jobs 300 --accounts 10 --how stop
	$(BIN)/python -m tests.crash.replicas --jobs 300 --accounts 10 --how cut

crash-cuts: $(VENV)/.developing ## OpenAI's own client, its connection cut at every moment
	$(BIN)/python -m tests.crash.cuts

crash-load: $(VENV)/.developing ## 200 new jobs a second for a minute on each database, and memory over 20,000 jobs
	$(BIN)/python benchmarks/jobs_per_second.py --rate 200 --seconds 60 --database sqlite
	$(BIN)/python benchmarks/jobs_per_second.py --rate 200 --seconds 60 --database postgresql
	$(BIN)/python benchmarks/memory.py --jobs 20000

choices: $(VENV)/.developing ## a million choices of an account, a pool in trouble, a flood beside one order
	$(BIN)/python -m tests.choices.run --choices 1000000
	$(BIN)/python -m tests.choices.pool --orders 5000 --seeds 3
	$(BIN)/python -m tests.choices.fairness --flood 10000

ledger: $(VENV)/.developing ## 20,000 orders with faults: both sides' books of credits agree to the unit
	$(BIN)/python -m tests.ledger.run --jobs 20000

fuzz: $(VENV)/.developing ## 10,000 requests drawn from the OpenAPI document, and 300 malformed bodies at every route
	$(BIN)/python -m tests.fuzz.run --cases 10000

bench: $(VENV)/.developing ## 1,000 requests at once, ten large pictures, the time to start, films, 2,000 event streams; a quarter of an hour
	$(BIN)/python benchmarks/concurrent_images.py
	$(BIN)/python benchmarks/composition.py
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/films.py --stream --megabytes 1024
	$(BIN)/python benchmarks/films.py --flight --minutes 10
	$(BIN)/python benchmarks/event_streams.py

clients: $(VENV)/.developing $(CLIENTS)/.installed $(JS)/node_modules ## real clients against a gateway, and a table of them
	EVERY_CLIENT=1 $(BIN)/pytest tests/clients

docs: fix ## the generated pages

lock: $(VENV)/.developing ## read the newest allowed versions of all dependencies into requirements/
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/python scripts/lock.py
	cd $(JS) && npm update --package-lock-only

clean: ## remove what the commands made
	rm -rf $(VENV) $(JS)/node_modules demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

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

$(CLIENTS)/.installed: $(VENV)/.installed requirements/clients.txt
	@test -x $(CLIENTS)/bin/python || $(PYTHON) -m venv $(CLIENTS)
	@echo "installing clients for Python into $(CLIENTS) ..."
	@$(CLIENTS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/clients.txt
	@touch $@

# Where npm is not, or does not get them, the tests of clients for JavaScript are skipped and say why.
$(JS)/node_modules: $(JS)/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "installing clients for JavaScript into $@ ..."; \
		(cd $(JS) && npm ci --ignore-scripts --loglevel=error) && touch $@ || rm -rf $@; \
	else echo "npm is not here: clients for JavaScript will not be tested"; fi
