# `make demo` and `make test` do the whole set-up by themselves, below this folder (cli/stack/set_up.py), and again only
# where what it is made of changed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# The first Python that is new enough, unless you name one: make PYTHON=/path/to/python3
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for each in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do \
  "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$each" && break; done)
endif

TORCH := torch==2.13.0+cpu
TORCH_INDEX := https://download.pytorch.org/whl/cpu

# for tests and benches; monkeys finds by itself what set-up unpacked
DEB := $(CURDIR)/.monkeys/deb
export PATH := $(CURDIR)/.venv/bin:$(PATH):$(DEB)/usr/bin
export LD_LIBRARY_PATH := $(if $(LD_LIBRARY_PATH),$(LD_LIBRARY_PATH):)$(DEB)/usr/lib/$(shell uname -m)-linux-gnu:$(DEB)/lib/$(shell uname -m)-linux-gnu

.PHONY: help set-up demo down test test-slow test-lean test-faults test-faults-long test-docker lint train-pocket-monkey

help:
	@echo "make demo | down | test | test-slow | test-lean | test-faults | test-faults-long | test-docker | lint | train-pocket-monkey"
	echo "make bench-engine | bench-queue | bench-ledger | bench-sandbox | bench-answers | bench-analysis"
	echo "     bench-intervals | bench-forecasts | bench-weak | bench-plan"

set-up:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "There is no Python 3.11 or newer$(if $(PYTHON), at $(PYTHON)): install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	"$(PYTHON)" -I cli/stack/set_up.py "$(TORCH)" "$(TORCH_INDEX)"

demo: set-up
	@./monkeys demo

down:
	@[ ! -x monkeys ] || ./monkeys down

test: set-up
	@pytest

test-slow: set-up
	@pytest -m slow

test-lean: set-up
	@python -m tests.lean.fetch || echo "Lean could not be fetched: the tests that need it are skipped." >&2
	pytest tests/lean -m 'lean and not slow'

test-faults: set-up
	@pytest tests/faults -m "faults and not slow"

test-faults-long: set-up # prints its seed: FAULTS=... SEED=... go on with it
	@python -m tests.faults.long --faults $(or $(FAULTS),10000) $(if $(SEED),--seed $(SEED))

test-docker: set-up
	@pytest tests/docker -m "docker and not slow" --timeout 900 # the images are made before the first

lint: set-up
	@ruff check
	ruff format --check
	mypy
	lint-imports

train-pocket-monkey: set-up
	@python -m tasks.engines.pocket_monkey.train

bench-%: set-up
	@python -m tests.bench.$* # as a module: queue.py would else stand before Python's own
