# Every target sets up .venv first; `make setup` costs nothing when nothing changed.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?= python3
# Great Expectations and Dagster phone home unless told otherwise.
export GX_ANALYTICS_ENABLED := false
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: setup demo up test lint format bench docs clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@if command -v uv >/dev/null 2>&1; then \
	  echo "Setting up $(VENV) with uv ..."; \
	  test -x $(BIN)/python || uv venv -q --python $(PYTHON) $(VENV); \
	  uv pip install -q --python $(BIN)/python -r requirements.lock && \
	  uv pip install -q --python $(BIN)/python --no-deps -e . ; \
	else \
	  echo "Setting up $(VENV) with pip (about a minute) ..."; \
	  test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/pip install -qq --disable-pip-version-check --no-compile --no-deps -r requirements.lock && \
	  $(BIN)/pip install -qq --disable-pip-version-check --no-compile --no-deps -e . ; \
	fi
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib ams_etl >/dev/null 2>&1 || true
	@touch $(STAMP)
