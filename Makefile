# `make run` serves, `make test` proves. Everything goes into .venv; nothing outside this folder is touched.

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
FOUND := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
PYTHON ?= $(FOUND)

.PHONY: run test lint types check bench bench-streams bench-overload bench-memory faults soak fuzz peers lock docs clean

run: $(VENV)/.installed
	@$(BIN)/headgate serve policies $(ARGS)

test: $(VENV)/.installed-dev lint types check
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.installed-dev
	$(BIN)/mypy

check: $(VENV)/.installed-dev
	$(BIN)/headgate check policies
	$(BIN)/headgate fmt --check policies
	$(BIN)/headgate test policies

# Side by side with its peers, in turns; installs those that pip and npm have into build/bench, once. See docs/performance.md.
bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench $(ARGS)

# Streams, beside a bare relay in trio: see docs/performance.md.
bench-streams: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench.streams $(ARGS)

# Every fault of docs/reliability.md, one by one, and how long it took until all was normal again.
faults: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -vv --tb=short tests/faults $(ARGS)

# More than a worker can take, with and without shedding: see docs/reliability.md. Needs Debian's wrk, nginx-light and nghttp2-client.
bench-overload: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench.overload $(ARGS)

# Memory over five million requests, as CSV and as a picture; hours.
bench-memory: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench.endurance $(ARGS)

# The long ones that `make test` leaves out. One of them wants a real inference server, which is compiled once, into an
# environment of its own: that takes a compiler and some ten minutes.
soak: $(VENV)/.installed-dev $(VENV)-llama/.installed
	$(BIN)/python -m pytest -m slow $(ARGS)

# nginx and Node, which some tests compare our reading with. Without them these tests are skipped, and say so.
peers:
	@{ command -v nginx && command -v node; } >/dev/null 2>&1 \
	|| { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends nginx-light nodejs >/dev/null; } \
	|| echo "nginx-light and nodejs cannot be installed from here: tests that need them are skipped"

# Every reader of other people's bytes, fuzzed in turn: make fuzz ARGS=-max_total_time=600
fuzz: $(VENV)/.installed-fuzz
	$(BIN)/python -m tests.fuzz $(if $(ARGS),$(ARGS),-max_total_time=60)

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Headgate needs Python 3.11 or later; none was found. Say where it is: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.lock pyproject.toml
	@echo "installing what Headgate needs into $(VENV) (once)"
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "installing what the tests need into $(VENV) (once)"
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed-fuzz: $(VENV)/.installed-dev requirements-fuzz.lock
	$(PIP) install --require-hashes -r requirements-fuzz.lock
	@touch $@

$(VENV)-llama/.installed: requirements-soak.lock
	$(PYTHON) -m venv $(VENV)-llama
	@echo "compiling an inference server into $(VENV)-llama (once)"
	$(VENV)-llama/bin/pip --disable-pip-version-check --quiet install --require-hashes -r requirements-soak.lock
	@touch $@

# Needs uv. Every version and hash that is installed from an index is in these files. What the tests need comes first: it may ask
# for less than the newest of what Headgate needs, never the other way round.
lock:
	uv pip compile pyproject.toml --extra dev --extra build --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-dev.lock
	uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header -q -c requirements-dev.lock -o requirements.lock
	uv pip compile --group pyproject.toml:fuzz --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-fuzz.lock
	uv pip compile --group pyproject.toml:soak --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-soak.lock
	uv pip compile --group pyproject.toml:bench --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-bench.lock

# What is generated from the code: docs/reference, and the tables of docs/ai.md.
docs: $(VENV)/.installed-dev
	$(BIN)/python tests/support/reference.py
	$(BIN)/python tests/support/pairs_page.py

clean:
	rm -rf $(VENV) build dist
