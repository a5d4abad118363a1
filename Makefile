# `make lab` opens the workbook, `make test` tests it. Without make: README.md.

PYTHON ?= python3
BIN := .venv/bin
# A notebook, and a file of tests, stay together on one processor.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile \
  --no-loadscope-reorder

.PHONY: lab demo test test-all slow bench pages lint setup stop clean
unexport PYTHONHOME PYTHONPATH  # what is there is for another Python
.NOTPARALLEL:  # with -j, too: every target uses the same environment

lab: setup  ## open the workbook in JupyterLab, on the local cloud
	$(BIN)/python -m workbook lab

demo: setup  ## the whole pipeline without a browser: a table and a contact sheet
	$(BIN)/python -m deploy demo

test: lint  ## unit tests, the local cloud end to end, the notebooks
	$(PYTEST) -m "not slow"

test-all: test slow  ## and what takes longer

slow: setup
	$(PYTEST) -m "slow and not alone"

bench: setup  ## times and sizes on this machine, into tests/bench/RESULTS.md
	$(BIN)/python tests/bench/run.py

pages: setup  ## the course as a site to read, into build/pages; every link followed
	$(BIN)/python notebooks/pages/build.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

setup:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	  "The workbook needs Python 3.11 or newer, and %s is Python %s. Name another: " \
	  "make PYTHON=python3.13" % (sys.executable, sys.version.split()[0]))'
	@$(PYTHON) -I deploy/environment.py
	@$(BIN)/python -m deploy local setup

stop: setup  ## stop the local cloud, keeping its state
	$(BIN)/python -m deploy local stop

clean:  ## stop the local cloud and remove everything that was made
	-@test ! -x $(BIN)/python || $(BIN)/python -m deploy local stop
	find deploy handler images notebooks tests -type d \
	  \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
	rm -rf .venv .local-cloud .hypothesis .mypy_cache .pytest_cache .ruff_cache \
	  build thumbnail_workbook.egg-info
