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
LOCK_ARGS ?= --upgrade
VENV := .venv
DEV := .venv-dev
# Browser and Docker tests mostly wait, so there are more workers than cores.
PYTEST = $(DEV)/bin/pytest -n 4 --dist loadgroup --durations=30 --durations-min=1
SOURCES := $(shell git ls-files jupyter_mlws src style schema jupyter-config 2>/dev/null) \
  package.json yarn.lock pyproject.toml tsconfig.json vite.config.mts install.json

.PHONY: help lab hub hub-down hub-compose hub-backup hub-restore hub-compose-backup hub-compose-restore example test test-quick test-typescript soak compatibility lint lint-python lint-typescript dist lock clean

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

lab: $(VENV)/.installed
	@exec $(PYTHON) scripts/lab.py $(VENV) --workspace '$(WORKSPACE)' --port $(PORT) -- $(LAB_ARGS)

hub: $(VENV)/bin/uv
	@$(VENV)/bin/python -m hub_config.up

hub-compose: $(VENV)/bin/uv
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

test: dist
	tests/prepare
	$(MAKE) test-typescript
	MLWS_WHEEL="$$(ls $(CURDIR)/dist/*.whl)" $(PYTEST) $(PYTEST_ARGS)

test-quick: $(DEV)/.installed
	$(MAKE) -j2 lint
	$(PYTEST) $(PYTEST_ARGS)

test-typescript: $(DEV)/.installed
	. $(DEV)/bin/activate && jlpm test

compatibility: dist
	. $(DEV)/bin/activate && python scripts/compatibility.py dist/*.whl $(COMPATIBILITY_ARGS)

lint: lint-python lint-typescript

lint-python: $(DEV)/.installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy

lint-typescript: $(DEV)/.installed
	. $(DEV)/bin/activate && jlpm lint && jlpm tsc --noEmit

# A stale labextension/ would be packaged silently, so the build starts from a copy of the commit.
dist: $(DEV)/.installed
	rm -rf build/dist dist && mkdir -p build/dist dist
	git archive HEAD | tar -x -C build/dist
	$(DEV)/bin/uv build --quiet --build-constraints requirements/build.txt --out-dir dist build/dist
	$(DEV)/bin/twine check --strict dist/*
	rm -rf build/dist

clean:
	rm -rf $(VENV) $(DEV) node_modules lib dist build labextension/* tsconfig.tsbuildinfo \
	  jupyter_mlws/hub/static

$(VENV)/bin/uv: requirements/uv.txt
	@$(PYTHON) scripts/environment.py $(VENV)

$(VENV)/.installed: $(SOURCES) requirements/lab.txt
	@$(PYTHON) scripts/environment.py $(VENV) lab

$(DEV)/.installed: $(SOURCES) requirements/dev.txt
	@$(PYTHON) scripts/environment.py $(DEV) dev --editable

lock: $(DEV)/.installed
	$(DEV)/bin/python scripts/lock.py $(LOCK_ARGS)
