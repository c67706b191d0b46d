# Everything that people and CI do here. Each target sets up what it needs, without root.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) || command -v python3)

.PHONY: setup demo test lint bench golden lock clean

setup: $(VENV)/.dev

demo: $(VENV)/.run
	$(BIN)/newsletter demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --cov --cov-report=term:skip-covered $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# Write the golden files anew; look at the difference before committing it.
golden: $(VENV)/.dev
	$(BIN)/python -m pytest -q -p no:randomly tests/golden --write-golden

# Pin the newest versions that pyproject.toml allows, with hashes.
lock: $(VENV)/.dev
	$(BIN)/pip-compile -q $(LOCK) --upgrade --extra dev --extra build -o requirements-dev.lock pyproject.toml
	$(BIN)/pip-compile -q $(LOCK) --extra build -c requirements-dev.lock -o requirements.lock pyproject.toml
LOCK := --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --generate-hashes --strip-extras --allow-unsafe

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage*

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
