# The two commands of the README are `make preview` and `make test`; each makes .venv when it needs it.
STACK ?= dev
PYTHON ?= python3
BIN := .venv/bin

.PHONY: preview test lint types bench check clean

preview: .venv/installed
	@$(BIN)/python -m tools.preview $(STACK)

test: .venv/installed
	@$(BIN)/pytest

lint: .venv/developed
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/yamllint --strict .

types: .venv/developed
	@$(BIN)/mypy

# Wall time and memory of the offline preview against the bare import of the SDK modules it needs.
bench: .venv/installed
	@$(BIN)/python -m tools.bench $(STACK)

clean:
	rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache

.venv/installed: requirements.txt
	@echo "installing requirements.txt into .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; make PYTHON=python3.x")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

.venv/developed: .venv/installed requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
