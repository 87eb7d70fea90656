# Every target sets up .venv first; `make setup` costs nothing when nothing changed.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?= python3
# Great Expectations and Dagster phone home unless told otherwise.
export GX_ANALYTICS_ENABLED := false
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: setup demo up test tests test-long test-matrix mutants audit lint pictures histories format bench docs lock clean .chromium .postgres .redis

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@if command -v uv >/dev/null 2>&1; then \
	  echo "Setting up $(VENV) with uv ..."; \
	  test -x $(BIN)/python || uv venv -q --python $(PYTHON) $(VENV); \
	  uv pip install -q --python $(BIN)/python --no-deps -r requirements.lock && \
	  uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  echo "Setting up $(VENV) with pip (about a minute) ..."; \
	  test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/pip install -qq --disable-pip-version-check --no-compile --no-deps -r requirements.lock && \
	  $(BIN)/pip install -qq --disable-pip-version-check --no-compile --no-deps --no-build-isolation -e . ; \
	fi
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib ams_etl >/dev/null 2>&1 || true
	@touch $(STAMP)

demo: setup
	@$(BIN)/ams-etl demo

up: setup
	@$(BIN)/ams-etl up --sandbox

# Debian's chromium for the one browser test; where it cannot be had, that test is skipped and says so.
.chromium:
	@command -v chromium >/dev/null 2>&1 || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1; } || \
	  echo "chromium is not here and cannot be installed: the browser test will be skipped"

lint: setup
	@failed=; for linter in "ruff check ." "ruff format --check ." mypy lint-imports "deptry ."; do \
	  $(BIN)/$$linter || failed="$$failed; $$linter"; \
	done; test -z "$$failed" || { echo "failed: $${failed#; }"; exit 1; }

# Debian's Postgres server for the test of the lowest version; where it cannot be had, that test is skipped and says so.
# It is installed without a cluster, so that no server is created or started.
.postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
	    { export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq postgresql-common && \
	      sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf && \
	      apt-get install -y -qq postgresql; } >/dev/null 2>&1; } || \
	  echo "Postgres is not in /usr/lib/postgresql and cannot be installed: the test of the lowest version will be skipped"

# Debian's Redis for the tests of runs on several machines, which start their own; where it cannot be had, they are skipped and
# say so. No server is started here.
.redis:
	@command -v redis-server >/dev/null 2>&1 || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
	    { export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq redis-server; } >/dev/null 2>&1; } || \
	  echo "redis-server is not here and cannot be installed: the tests of runs on several machines will be skipped"

# The linters and the tests side by side: mypy is busy on one core for a minute.
test: setup .chromium .postgres .redis
	@$(MAKE) --no-print-directory -j 2 lint tests

# A file's tests run in one process, which starts what they share once; the slowest files first (conftest.py).
tests: setup
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# The tests that take minutes each. `make test-long` prints how long; the last figures are in docs/testing.md.
test-long: setup .chromium .redis
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m long --durations=0 --durations-min=1

# What `make test` runs, on each Python that pyproject.toml allows and that is found; TARGET=lint runs another target.
test-matrix: setup
	@$(BIN)/python -m ams_etl_tests.interpreters | while read -r version python; do \
	  echo "Python $$version: $$python"; \
	  $(MAKE) --no-print-directory $(or $(TARGET),test) VENV=.venv-$$version PYTHON=$$python </dev/null || exit 1; \
	done

# Which small changes of the rules no test of the rules notices: a sample of MUTANTS of them, by mutmut in an environment of its own.
mutants:
	@test -x .venv-mutants/bin/pip || $(PYTHON) -m venv .venv-mutants
	@$(MAKE) --no-print-directory setup VENV=.venv-mutants
	@grep -oE '^[A-Za-z0-9_.-]+==[^ ;\\]+' requirements.lock > .venv-mutants/pins.txt
	@.venv-mutants/bin/pip install -q --disable-pip-version-check -c .venv-mutants/pins.txt mutmut==3.8.1
	@.venv-mutants/bin/python -m ams_etl_tests.long.mutants --sample $${MUTANTS:-300} --seed $${SEED:-2026}

# The licences of what is installed, and known weaknesses of the pinned dependencies; asks the network, and fails where it cannot.
audit: setup
	@$(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install -q --disable-pip-version-check pip-audit pip-licenses || \
	  { echo "not audited: pip-audit cannot be installed"; exit 1; }
	@.venv-audit/bin/pip-licenses --python $(BIN)/python --order=license --summary
	@.venv-audit/bin/pip-audit --disable-pip --no-deps --requirement requirements.lock \
	  --requirement deploy/container/requirements.lock --progress-spinner off --format json \
	  > .venv-audit/found.json 2> .venv-audit/errors.txt; $(BIN)/python -m ams_etl_tests.audit .venv-audit/found.json

# Incremental equals full, for as long as you like: HISTORIES=2000 make histories
histories: setup
	@HISTORIES=$${HISTORIES:-2000} $(BIN)/python -m pytest ams_etl_tests/sync/test_incremental_equals_full.py -q --hypothesis-seed=$${SEED:-0} -n 1

format: setup
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

# The pictures of the documentation, taken while the browser tests run.
pictures: setup .chromium
	@PICTURES=docs/pictures $(BIN)/python -m pytest -m long -n 0 ams_etl_tests/pages/test_walk.py ams_etl_tests/end_to_end/test_user_interface.py

bench: setup
	@$(BIN)/python -m benchmarks.sync

docs: setup
	@$(BIN)/python -m ams_etl_tests.rules.catalogue --write
	@$(BIN)/python -m ams_etl_tests.store.columns --write
	@$(BIN)/python -m ams_etl_tests.end_to_end.catalog --write
	@$(BIN)/python -m ams_etl_tests.module_tests --write

# Pin every dependency, with the hashes of its files, at the newest version that fits pyproject.toml, for every Python and
# platform. The second file is what the container image installs: no tools of development, but the extras `kubernetes` and `celery`.
LOCK = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
UV = $(or $(shell command -v uv 2>/dev/null),.venv-lock/bin/uv)
lock:
	@command -v uv >/dev/null 2>&1 || test -x .venv-lock/bin/uv || \
	  { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install -q --disable-pip-version-check uv; }
	@$(LOCK) --upgrade --group dev -o requirements.lock pyproject.toml
	@echo 'setuptools>=77' | $(LOCK) --upgrade --extra kubernetes --extra celery --constraint requirements.lock -o deploy/container/requirements.lock pyproject.toml -

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
