# make lab    the lab on the example workspace
# make hub    JupyterHub with a container for every person, on this machine
# make test   everything that is tested, with what it needs
# The rest is for those who work on it; `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
WORKSPACE ?= $(CURDIR)/workspace
PORT ?= 8888
VENV := .venv
DEV := .venv-dev
# Tests that need neither browser nor Docker run beside each other.
BESIDE = $(DEV)/bin/pytest -n logical --maxprocesses 4 -m 'not browser and not docker'
# pytest's exit code where PYTEST_ARGS leave no test.
NOTHING := 5
SOURCES := $(shell git ls-files jupyter_mlws src style schema jupyter-config 2>/dev/null) \
  package.json yarn.lock pyproject.toml tsconfig.json vite.config.mts install.json

.PHONY: help lab hub hub-down hub-compose hub-backup hub-restore hub-compose-backup hub-compose-restore example test test-quick test-python test-typescript lint wheel clean

help:
	@echo 'make lab          the lab on the example workspace ($(WORKSPACE), port $(PORT) or the next free)'
	@echo 'make hub          JupyterHub with a container for every person; see hub_config/README.md'
	@echo 'make hub-down     stops it and the containers; accounts and files stay'
	@echo 'make hub-compose  the same with PostgreSQL, nginx with TLS, MLflow and Prometheus'
	@echo 'make hub-backup   saves its accounts, records and files in FOLDER=…; hub-restore brings them back'
	@echo '                  (of the stack: hub-compose-backup, hub-compose-restore)'
	@echo 'make test         Python, TypeScript, browser and Docker tests'
	@echo 'make test-quick   Python and TypeScript tests that need neither browser nor Docker'
	@echo 'make lint         ruff, mypy, eslint, prettier'
	@echo 'make wheel        a wheel from a clean copy of what is committed, in dist/'
	@echo 'make clean        removes environments and build output; workspace/ stays'

lab: example
	exec $(VENV)/bin/jupyter lab --ServerApp.root_dir='$(WORKSPACE)' --ServerApp.ip=127.0.0.1 \
	  --ServerApp.port=$(PORT) --LabApp.default_url=/lab/tree/workflows/wine/dvc.yaml \
	  $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS)

hub: $(VENV)/bin/python
	@$(VENV)/bin/python -m hub_config.up

hub-compose: $(VENV)/bin/python
	@$(VENV)/bin/python -m hub_config.compose

hub-backup hub-restore:
	@test -n '$(FOLDER)' || { echo 'Name it: make $@ FOLDER=…' >&2; exit 2; }
	@$(PYTHON) -m hub_config.$(@:hub-%=%) '$(FOLDER)'

# The same of the stack that `make hub-compose` starts.
hub-compose-backup hub-compose-restore:
	@test -n '$(FOLDER)' || { echo 'Name it: make $@ FOLDER=…' >&2; exit 2; }
	@$(PYTHON) -m hub_config.compose_backup $(@:hub-compose-%=%) '$(FOLDER)'

hub-down:
	@$(PYTHON) -m hub_config.down

example: $(VENV)/.installed
	$(VENV)/bin/python -m jupyter_mlws.projects.example '$(WORKSPACE)'

test: wheel
	tests/prepare
	$(MAKE) test-typescript
	$(BESIDE) $(PYTEST_ARGS) || [ $$? = $(NOTHING) ]
	MLWS_WHEEL="$$(ls $(CURDIR)/dist/*.whl)" \
	  $(DEV)/bin/pytest -m 'browser or docker' $(PYTEST_ARGS) || [ $$? = $(NOTHING) ]

test-quick: test-typescript
	$(BESIDE) $(PYTEST_ARGS)

test-typescript: $(DEV)/.installed
	. $(DEV)/bin/activate && jlpm test

lint: $(DEV)/.installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	. $(DEV)/bin/activate && jlpm lint && jlpm tsc --noEmit

# A stale labextension/ would be packaged in silence, so the build starts from a copy of the commit.
wheel: $(DEV)/.installed
	rm -rf build/wheel dist && mkdir -p build/wheel dist
	git archive HEAD | tar -x -C build/wheel
	$(DEV)/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist ./build/wheel
	rm -rf build/wheel

clean:
	rm -rf $(VENV) $(DEV) node_modules lib dist build labextension/* tsconfig.tsbuildinfo \
	  jupyter_mlws/hub/static

# Where the system's Python lacks its venv module (Debian), it is installed if we may.
define make_venv
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || ! command -v git >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-venv git; \
	  else \
	    echo 'Please install Python 3.10 or later with its venv module, and git.' >&2; exit 1; \
	  fi; \
	fi
	$(PYTHON) -m venv $(1)
endef

$(VENV)/bin/python:
	$(call make_venv,$(VENV))

$(VENV)/.installed: $(SOURCES) | $(VENV)/bin/python
	rm -rf labextension/*
	$(VENV)/bin/pip install --disable-pip-version-check --quiet '.[zh]'
	touch $@

$(DEV)/bin/python:
	$(call make_venv,$(DEV))

# pip would follow the link that `develop` made, and remove what it has just built.
$(DEV)/.installed: $(SOURCES) | $(DEV)/bin/python
	rm -rf labextension/* $(DEV)/share/jupyter/labextensions/jupyter-mlws
	$(DEV)/bin/pip install --disable-pip-version-check --quiet --editable '.[test,dev,zh,hub]'
	. $(DEV)/bin/activate && jlpm install && jupyter-builder develop --overwrite .
	touch $@
