# Everything that people and CI do here. Each target sets up what it needs, without root.
# On another Python, beside the first: make test PYTHON=python3.13 VENV=.venv-3.13
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) || command -v python3)

.DEFAULT_GOAL := setup

.PHONY: setup demo test coverage browser lint bench chaos golden clients lock clean

setup: $(VENV)/.dev

demo: $(VENV)/.run
	$(BIN)/newsletter demo

test: $(VENV)/.dev browser
	$(COMPILED) $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# A run starts hundreds of processes: without this each would compile all of the program anew.
COMPILED := env -u PYTHONDONTWRITEBYTECODE

# The same, and which lines no test has run; that takes half as long again.
coverage: $(VENV)/.dev browser
	$(COMPILED) $(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

# The browser tests need a Chromium. Debian's headless one takes a third of the processor time of the
# whole browser; without either, and without root to install it, the browser tests are skipped.
browser:
	@command -v chromium-headless-shell >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null; } || \
	  command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  echo "No Chromium here, and no root to install it: the browser tests will be skipped."

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# A thousand kills in sends that break in every way, on both databases: some ten minutes.
chaos: $(VENV)/.dev
	$(BIN)/python -m tests.chaos $(ARGS)

# Write the golden files anew; look at the difference before committing it.
golden: $(VENV)/.dev
	$(BIN)/python -m pytest -q -p no:randomly tests/golden --write-golden

# The table of what readers' clients support, from Can I email's data in the file FROM.
clients: $(VENV)/.dev
	$(BIN)/python -m tools.clients $(FROM)

# Pin the newest versions that pyproject.toml allows, with hashes.
lock: $(VENV)/.dev
	$(BIN)/pip-compile -q $(LOCK) --upgrade --extra build -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q $(LOCK) --upgrade --extra dev --extra build -c requirements.lock -o requirements-dev.lock pyproject.toml
	echo pip | $(BIN)/pip-compile -q $(LOCK) --upgrade -c requirements-dev.lock -o requirements-pip.lock -
# Extras stay in the lock: without them an older pip takes "coverage[toml]" for not pinned.
LOCK := --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --generate-hashes --no-strip-extras --allow-unsafe

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage*

# Debian's Python makes half an environment when a package is missing: pip comes last, or not at all.
$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
	  echo "Python could not make the virtual environment $(VENV). On Debian and Ubuntu, install the package python3-venv first: apt install python3-venv" >&2; exit 1; }

# Older pips stumble over extras in lock files, so pip itself is the first thing that is pinned.
$(VENV)/.pip: requirements-pip.lock | $(VENV)/bin/pip
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-pip.lock
	touch $@

$(VENV)/.run: requirements.lock pyproject.toml $(VENV)/.pip
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
