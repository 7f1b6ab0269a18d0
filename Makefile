# make lab    JupyterLab on the example workspace
# make hub    JupyterHub with a container for each user, on this machine
# make test   all tests, after installing what they need
# The other targets are for developers; `make help` lists them.

# Without compiled bytecode, each process compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
WORKSPACE ?= $(CURDIR)/workspace
PORT ?= 8888
BASE ?= origin/main
MARKS ?= not exhaustive
LOCK_ARGS ?= --upgrade
VENV := .venv
DEV := .venv-dev
DOCS := .venv-docs
# More workers than a small machine has cores: tests wait for servers, containers and browsers.
WORKERS ?= 3
PYTEST = $(DEV)/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -p tests.hub.scheduling \
  -p no:hydra_pytest --durations=30 --durations-min=1
# Fast, and together they touch each part: contract, crashes, the engine beside DVC, one journey.
QUICK := tests/test_architecture.py tests/core/test_errors.py tests/core/test_atomic.py \
  tests/test_locale.py tests/core/test_locking.py tests/core/test_project.py tests/test_requirements.py \
  tests/api/test_contract.py tests/components tests/containers tests/hub_logic tests/logs tests/metrics \
  tests/versioning/test_killed.py tests/versioning/test_staging.py tests/workflows/test_definitions.py \
  tests/workflows/test_edits.py tests/workflows/test_plan.py tests/workflows/test_same_as_dvc.py \
  tests/workflows/test_validation.py tests/ui/test_journey.py
# Locked tools, and the time of the commit as that of all files: the same bytes on every machine.
BUILD = SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(DEV)/bin/uv build --quiet \
  --build-constraints requirements/build.txt
SOURCES := $(shell git ls-files jupyter_mlws engine src style schema jupyter-config 2>/dev/null) \
  package.json yarn.lock pyproject.toml tsconfig.json tsconfig.build.json vite.config.mts rspack.config.cjs \
  install.json

.PHONY: help benchmark lab hub hub-config hub-down hub-upgrade hub-rollback hub-compose hub-backup hub-restore hub-compose-backup hub-compose-restore example test test-all pytest test-changed test-fast test-python test-quick test-typescript soak jupyter-server-tests compatibility lint lint-python lint-typescript dist reproducible docs docs-links docs-media docs-messages sbom lock messages clean

help:
	@echo 'make lab          JupyterLab on the example workspace ($(WORKSPACE), port $(PORT) or the next free)'
	@echo 'make hub          JupyterHub with a container for each user; see hub_config/README.md'
	@echo 'make hub-config   change the settings of the Hub; ARGS=--show prints them'
	@echo 'make hub-down     stop the Hub and all containers; accounts and files are kept'
	@echo 'make hub-upgrade  the newest version, or TO=…, while labs run on; hub-rollback goes back'
	@echo 'make hub-compose  the Hub with PostgreSQL, nginx (TLS), MLflow and Prometheus'
	@echo 'make hub-backup   save accounts, records and files in FOLDER=…; hub-restore restores them'
	@echo '                  (for the stack: hub-compose-backup, hub-compose-restore)'
	@echo 'make test         Python, TypeScript, browser and Docker tests'
	@echo 'make test-all     these and the exhaustive ones: each variant, language and looks; before a release'
	@echo 'make test-changed the tests that the changes since BASE=origin/main can reach'
	@echo 'make test-quick   lint, TypeScript tests and the fast Python tests'
	@echo 'make soak         long tests: kills, crashes, fuzzing, many labs, oldest and newest packages'
	@echo 'make lint         ruff, mypy, eslint, prettier, tsc'
	@echo 'make dist         sdist and wheel of the current commit, in dist/; sbom: its bill of materials;'
	@echo '                  reproducible: build it twice and compare'
	@echo 'make docs         the documentation, in build/docs/html/; docs-links checks external links,'
	@echo '                  docs-messages updates its catalogues of translations,'
	@echo '                  docs-media draws its pictures and the film anew'
	@echo 'make benchmark    the engine beside other tools: table and chart in docs/benchmarks.md;'
	@echo '                  BENCHMARK_ARGS="--stages 30 --tools make,dask" for a smaller one'
	@echo 'make messages     update the catalogue of translations'
	@echo 'make lock         upgrade the locked packages in requirements/'
	@echo 'make clean        remove environments and build output; workspace/ is kept'

# Created while the extension is built.
lab: ENVIRONMENT_ARGS = --example '$(WORKSPACE)'
lab: $(VENV)/.installed
	@exec $(PYTHON) scripts/lab.py $(VENV) --workspace '$(WORKSPACE)' --port $(PORT) -- $(LAB_ARGS)

hub: $(VENV)/bin/uv
	@$(VENV)/bin/python -m hub_config.up

hub-compose: $(VENV)/bin/uv
	@$(VENV)/bin/python -m hub_config.compose

hub-backup hub-restore:
	@test -n '$(FOLDER)' || { echo 'FOLDER is not set. Use: make $@ FOLDER=…' >&2; exit 2; }
	@$(PYTHON) -m hub_config.$(@:hub-%=%) '$(FOLDER)'

# The same of the stack that `make hub-compose` starts.
hub-compose-backup hub-compose-restore:
	@test -n '$(FOLDER)' || { echo 'FOLDER is not set. Use: make $@ FOLDER=…' >&2; exit 2; }
	@$(PYTHON) -m hub_config.compose_backup $(@:hub-compose-%=%) '$(FOLDER)'

hub-down:
	@$(PYTHON) -m hub_config.down

hub-upgrade hub-rollback: $(VENV)/bin/uv
	@$(VENV)/bin/python -m hub_config.upgrade $(if $(TO),--to '$(TO)') $(if $(filter hub-rollback,$@),--back) $(ARGS)

# Open the settings in an editor; ARGS: `--show`, or settings such as `port=9000`.
hub-config:
	@$(PYTHON) -m hub_config.configure $(ARGS)

example: $(VENV)/.installed
	$(VENV)/bin/python -I -m jupyter_mlws.projects.example '$(WORKSPACE)'

# The wheel is built while specs run.
test: $(DEV)/.installed
	$(MAKE) -j2 dist test-typescript
	$(MAKE) pytest

test-all: $(DEV)/.installed
	$(MAKE) -j2 dist test-typescript
	MLWS_EXHAUSTIVE=1 $(MAKE) pytest MARKS=
	$(MAKE) compatibility COMPATIBILITY_ARGS="--only oldest --python $(DEV)/bin/python --browser"

test-python: dist
	$(MAKE) pytest

# With the wheel that is there.
pytest:
	tests/prepare
	MLWS_WHEEL="$$(ls $(CURDIR)/dist/*.whl)" $(PYTEST) -m '$(MARKS)' $(PYTEST_ARGS)

# Of the commits since BASE and of what is not committed. Print the selection: CHANGED_ARGS=--list.
test-changed: $(DEV)/.installed
	tests/prepare
	. $(DEV)/bin/activate && python scripts/changed_tests.py $(BASE) $(CHANGED_ARGS) -- $(PYTEST) -m '$(MARKS)'

test-quick: $(DEV)/.installed
	$(MAKE) -j2 lint test-typescript
	$(MAKE) test-fast

test-fast: $(DEV)/.installed
	tests/prepare
	$(PYTEST) -m '$(MARKS)' $(QUICK) $(PYTEST_ARGS)

# Long series of the tests with chance in them, and packages at the ends of their ranges.
soak: dist
	tests/prepare
	MLWS_GRAPHS=60 MLWS_KILLS=200 MLWS_CRASHES=100 MLWS_TOGETHER=60 MLWS_FUZZ=80 MLWS_CONTAINERS_EACH=5 \
	  MLWS_WHEEL="$$(ls $(CURDIR)/dist/*.whl)" $(PYTEST) -o timeout=5400 \
	  tests/workflows/test_killed_runs.py tests/workflows/test_same_as_dvc.py \
	  tests/versioning/test_crashes.py tests/versioning/test_together.py tests/api/test_fuzz.py \
	  tests/hub/test_fuzz.py tests/hub/test_many.py $(PYTEST_ARGS)
	$(MAKE) jupyter-server-tests
	$(MAKE) compatibility COMPATIBILITY_ARGS=--browser

test-typescript: $(DEV)/.installed
	tests/prepare
	. $(DEV)/bin/activate && jlpm test

# Jupyter Server's own tests have the same results with the extension as without.
jupyter-server-tests: $(DEV)/.installed
	$(DEV)/bin/python scripts/jupyter_server_tests.py

compatibility: dist
	. $(DEV)/bin/activate && python scripts/compatibility.py dist/*.whl $(COMPATIBILITY_ARGS)

lint: lint-python lint-typescript

lint-python: $(DEV)/.installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports
	$(DEV)/bin/python scripts/vocabulary.py
	$(DEV)/bin/python scripts/names.py
	$(DEV)/bin/python scripts/structure.py

lint-typescript: $(DEV)/.installed
	. $(DEV)/bin/activate && jlpm lint && jlpm tsc --noEmit

# A stale labextension/ would be packaged silently, so the build starts from a copy of the commit.
dist: $(DEV)/.installed
	rm -rf build/dist dist && mkdir -p build/dist dist
	git archive HEAD | tar -x -C build/dist
	$(BUILD) --out-dir dist build/dist
	$(DEV)/bin/twine check --strict dist/*
	$(DEV)/bin/check-wheel-contents dist
	rm -rf build/dist

# Another build of the commit, in another folder and with other permissions, has the same bytes.
reproducible: dist
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; umask 077; \
	mkdir "$$folder/source"; git archive HEAD | tar -x -C "$$folder/source"; \
	$(BUILD) --out-dir "$$folder/dist" "$$folder/source"; \
	sums=$$(cd dist && sha256sum *.whl *.tar.gz); echo "$$sums"; \
	cd "$$folder/dist" && sha256sum --check <<< "$$sums"

# The packages of requirements/lab.txt, as CycloneDX; those of JavaScript are in the wheel's
# third-party-licenses.json.
sbom: $(DEV)/.installed
	mkdir -p build
	$(DEV)/bin/cyclonedx-py requirements requirements/lab.txt --pyproject pyproject.toml \
	  --output-format JSON --output-file build/sbom.cdx.json

docs: $(DOCS)/.installed
	@$(DOCS)/bin/codespell
	@for language in en zh_CN; do \
	  folder=build/docs/html; [ $$language = en ] || folder=$$folder/$$language; \
	  echo "Building the documentation ($$language)"; \
	  PYTHONPATH=$(CURDIR):$(CURDIR)/engine $(DOCS)/bin/python -m sphinx --quiet --fail-on-warning --keep-going \
	    -D language=$$language -d build/docs/doctrees/$$language docs $$folder; \
	done
	@$(DOCS)/bin/python scripts/docs_translations.py --check
	@echo 'build/docs/html/index.html'

# Needs the network; a machine may be offline, so that `make docs` leaves it out.
docs-links: $(DOCS)/.installed
	PYTHONPATH=$(CURDIR):$(CURDIR)/engine $(DOCS)/bin/python -m sphinx -b linkcheck docs build/docs/links

# The pictures and the film of the README, by the same steps as the browser tests.
docs-media: $(DEV)/.installed
	tests/prepare
	$(DEV)/bin/python -m tests.ui.film docs/_static/media/film.gif
	$(DEV)/bin/python -m tests.ui.pictures --output docs/_static/media --scenes example \
	  --sizes 1280x720 --locales en

# On an idle machine: it states the load beside its numbers. The other tools come from PyPI.
benchmark: $(DEV)/.installed
	$(DEV)/bin/python benchmarks/comparison.py $(BENCHMARK_ARGS)

docs-messages: $(DOCS)/.installed
	PYTHONPATH=$(CURDIR):$(CURDIR)/engine $(DOCS)/bin/python scripts/docs_translations.py

clean:
	rm -rf $(VENV) $(DEV) $(DOCS) node_modules lib dist build labextension/* tsconfig*.tsbuildinfo \
	  jupyter_mlws/hub/static

$(VENV)/bin/uv: requirements/uv.txt
	@$(PYTHON) scripts/environment.py $(VENV)

$(VENV)/.installed: $(SOURCES) requirements/lab.txt
	@$(PYTHON) scripts/environment.py $(VENV) lab $(ENVIRONMENT_ARGS)

$(DEV)/.installed: $(SOURCES) requirements/dev.txt
	@$(PYTHON) scripts/environment.py $(DEV) dev --editable

$(DOCS)/.installed: requirements/docs.txt
	@$(PYTHON) scripts/environment.py $(DOCS) docs

# The Chinese of the server, in step with the code.
messages: $(DEV)/.installed
	$(DEV)/bin/python scripts/messages.py

lock: $(DEV)/.installed
	$(DEV)/bin/python scripts/lock.py $(LOCK_ARGS)
