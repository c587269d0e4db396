# Two commands: `make demo` opens a world on this machine, `make test` proves everything.
# Both set up what they need and say what they do; nothing needs root.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup client compile demo test lint types unit web-test pytest proof format lock clean

# Images for containers set it: then every program that a test starts would compile all of ours anew, for half a second.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PY := $(VENV)/bin/python
DATA ?= .demo
PORT ?= 8080
SCENE ?=

compile: $(VENV)/.installed-dev
	@$(VENV)/bin/roomscale compile

help:
	@echo "make demo [SCENE=file.glb] [PORT=8080]   open the sample worlds (or your scene) in a browser"
	@echo "make test                               set up everything and run every check and test"
	@echo "make proof                              what takes longer: soaks, benchmarks; results go to docs/"
	@echo "make compile                            netcode as machine code: a third less CPU (needs a C compiler)"
	@echo "make format | lint | types | clean      single steps"

# The first Python on PATH that is 3.11 or later and can make virtual environments.
$(VENV)/bin/python:
	@for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	  if command -v $$python >/dev/null && $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "setup: making $(VENV) with $$($$python --version)"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "setup: no Python 3.11 or later with venv found; install one (on Debian: apt install python3 python3-venv)" >&2; exit 1

# Installed anew whenever what is asked for changes; versions come from requirements.lock.
$(VENV)/.installed-run: pyproject.toml requirements.lock web/build_client.py web/build_meshopt.py web/build_basis.py web/build_validator.py web/hatch_build.py | $(VENV)/bin/python
	@echo "setup: installing roomscale and what it needs, building the browser client (a minute or two)"
	@$(PY) -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[homeserver]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-run
	@echo "setup: installing the tools for tests"
	@$(PY) -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' # dependency groups
	@$(PY) -m pip install --quiet --disable-pip-version-check -c requirements.lock --group dev
	@touch $@

# Node comes from PyPI when none that is new enough is on PATH.
client: $(VENV)/.installed-run
	@$(PY) web/build_client.py --ensure-node
	@$(PY) web/build_meshopt.py --ensure-node
	@$(PY) web/build_basis.py --ensure-node
	@$(PY) web/build_validator.py --ensure-node

setup: $(VENV)/.installed-run client

demo: setup
	@exec $(VENV)/bin/roomscale up $(if $(SCENE),"$(SCENE)" --fix) --data "$(DATA)" --port $(PORT)

test: $(VENV)/.installed-dev client
	@$(PY) tests/setup/chromium.py
	@$(PY) tests/setup/coturn.py
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types web-test
	@$(MAKE) --no-print-directory pytest

lint: $(VENV)/.installed-dev
	@echo "test: ruff, import-linter"
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/lint-imports

types: $(VENV)/.installed-dev
	@echo "test: mypy --strict"
	@$(VENV)/bin/mypy

web-test: client
	@echo "test: tsc --strict, vitest"
	@$(PY) web/build_client.py run check
	@$(PY) web/build_client.py run test

# Two at a time; PYTEST=-n0 for one after the other (docs/decisions/0023-two-tests-at-a-time.md).
pytest: $(VENV)/.installed-dev client
	@echo "test: pytest, with a real Synapse and a real Chromium"
	@$(VENV)/bin/pytest -n 2 --no-loadscope-reorder -m "not proof" $(PYTEST)

proof: $(VENV)/.installed-dev client
	@$(PY) tests/setup/chromium.py
	@$(VENV)/bin/pytest -m proof --timeout 3600 $(PYTEST)

format: $(VENV)/.installed-dev
	@$(VENV)/bin/ruff check --fix-only --quiet
	@$(VENV)/bin/ruff format --quiet

lock: $(VENV)/bin/python
	@$(PY) -m pip install --quiet uv
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
	  --extra homeserver --group dev pyproject.toml -o requirements.lock
	@sed -i '1i # Written by `make lock`: the exact versions that make installs and that the tests ran with.' requirements.lock

clean:
	rm -rf $(VENV) web/dist web/node_modules
