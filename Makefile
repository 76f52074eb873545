# The contract of this project: a fresh machine needs only Python 3.11+, pip, venv and make.
PYTHON ?= python3
EXTRAS ?= dev
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-$(EXTRAS)

.PHONY: help setup demo test test-all lint format types bench bench-search bench-search-quick docs clean
help:
	@echo "make demo      install into .venv and run the main job on the built-in data"
	@echo "make test      install and run the test suite"
	@echo "make test-all  the slow tests too"
	@echo "make lint      ruff, the Dockerfile, the pages;  make types  mypy;  make bench  benchmarks;  make docs  generated pages"
	@echo "make bench-search  the search beside its peers, hours;  make bench-search-quick  minutes"

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[$(EXTRAS)]"
	touch $@

setup: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/fitwell demo --out fitwell-runs/demo --force

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# With Ray, 79 MB, and AWS's inference toolkit: tests that need them are skipped without. Tests of
# AWS's SDK install its two versions beside it, 1.3 GB.
test-all:
	$(MAKE) EXTRAS=$(EXTRAS),ray,mms setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m ""

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/hadolint Dockerfile
	$(BIN)/rumdl check --no-cache .

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(INSTALLED)
	$(BIN)/mypy

bench:
	$(MAKE) EXTRAS=dev,bench setup
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/loop.py

# Hours: 64 trainings per search. An ended run goes on where it was; QUICK=1 takes minutes.
bench-search:
	$(MAKE) EXTRAS=dev,bench setup
	$(BIN)/python benchmarks/search.py $(if $(QUICK),--quick)

bench-search-quick:
	$(MAKE) bench-search QUICK=1

docs: $(INSTALLED)
	$(BIN)/python docs/write_cli_page.py

clean:
	rm -rf $(VENV) build dist fitwell-runs
