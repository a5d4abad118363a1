# Two commands: `make lab` opens the workbook, `make test` tests it. No logic in here:
# without make, install with `pip install -e .` and call the commands below yourself.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: lab demo test test-all slow bench lint setup stop clean

lab: setup  ## open the workbook in JupyterLab, on the local cloud
	$(BIN)/thumbnail-workbook lab

demo: setup  ## the whole pipeline without a browser: a table and a contact sheet
	$(BIN)/python -m deploy demo

test: setup lint  ## unit tests, the local cloud end to end, the notebooks
	$(BIN)/python -m pytest -m "not slow"

test-all: test slow  ## and what takes longer

slow: setup
	$(BIN)/python -m pytest -m slow

bench: setup  ## times and sizes on this machine, into tests/bench/RESULTS.md
	$(BIN)/python tests/bench/run.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

setup: .venv/ready

.venv/ready: pyproject.toml deploy/local/requirements.txt
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make a virtual environment;" \
	  "on Debian and Ubuntu: sudo apt install python3-venv. Then run make again."; exit 1; }
	@echo "Installing packages (once, about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' \
	  || { echo "Set-up needs the network once, and Python 3.11 or newer:" \
	  "check both, then run make again."; exit 1; }
	$(BIN)/python -m deploy local setup
	@touch $@

stop: setup  ## stop the local cloud, keeping its state
	$(BIN)/python -m deploy local stop

clean:  ## stop the local cloud and remove everything that was made
	-@test ! -x $(BIN)/python || $(BIN)/python -m deploy local stop
	rm -rf .venv .local-cloud .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf
