# Every target works alone, in a fresh clone, and again: what it needs is installed first, once.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEMO := build/demo

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install demo test test-integrations test-ray lint docs samples images fixtures oracle benchmark benchmark-diagnose benchmark-examine benchmark-probe benchmark-search runs clean

help:
	@echo "make demo       diagnose a stalled run, probe a config that does not learn, train the fixed one"
	@echo "make test       all tests"
	@echo "make test-integrations   the callbacks, under Lightning, the Hugging Face Trainer and Keras"
	@echo "make test-ray   trials on a Ray cluster of two nodes, one of which dies"
	@echo "make lint       ruff and mypy"
	@echo "make docs       rewrite the catalogue of checks, fixes and readers"
	@echo "make samples    train the sample runs again"
	@echo "make images     take the pictures of the README again; needs chromium and its chromedriver"
	@echo "make fixtures   write again the logs of real loggers that the tests read; installs the loggers into a venv of its own"
	@echo "make oracle     check that what those loggers write today is read as what was logged; in the same venv"
	@echo "make benchmark  start-up time, reading speed, verdicts and repairs on the samples, comparisons of runs, a simulated CI, large models examined"
	@echo "make benchmark-diagnose  diagnoses of 480 labelled runs, against peers"
	@echo "make benchmark-examine   examinations of hundreds of configs, with a fault and without, against peers"
	@echo "make benchmark-probe     repairs of 55 faults, and 18 sound configs, against searches at the same number of training steps"
	@echo "make benchmark-search    trials stacked, in a pool of workers, and one after another; proofs on few examples, and over folds"

install: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("lossdoctor needs Python 3.11 or newer and $(PYTHON) is %d.%d; run: make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[probe,dev]'
	@touch $@

demo: $(READY)
	@mkdir -p $(DEMO)
	$(BIN)/lossdoctor diagnose sample_runs/stalled_lr_decayed_too_early/metrics.csv
	$(BIN)/lossdoctor probe sample_runs/probe/learning_rate_too_high/config.yaml --budget 60s --fixed $(DEMO)/config.fixed.yaml
	$(BIN)/lossdoctor train $(DEMO)/config.fixed.yaml --output $(DEMO)/run.csv
	$(BIN)/lossdoctor diagnose $(DEMO)/run.csv

test: $(READY)
	$(BIN)/pytest

# the callbacks under the frameworks themselves, which come into an environment of their own
FRAMEWORKS := build/frameworks
FRAMEWORKS_READY := $(FRAMEWORKS)/.ready

$(FRAMEWORKS_READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/pip install --quiet --constraint constraints.txt torch
	$(FRAMEWORKS)/bin/pip install --quiet --editable '.[integrations]' pytest pytest-timeout
	@touch $@

test-integrations: $(FRAMEWORKS_READY)
	KERAS_BACKEND=torch $(FRAMEWORKS)/bin/pytest tests/test_monitor.py

# trials on a Ray cluster of two nodes on this machine, with Ray in an environment of its own; five minutes
RAY := build/ray
RAY_READY := $(RAY)/.ready

$(RAY_READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(RAY)
	$(RAY)/bin/pip install --quiet --constraint constraints.txt torch
	$(RAY)/bin/pip install --quiet --editable '.[ray]' pytest pytest-timeout
	@touch $@

test-ray: $(RAY_READY)
	$(RAY)/bin/pytest -m 'slow or not slow' tests/test_ray.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python -m lossdoctor.catalogue

samples: $(READY)
	$(BIN)/python sample_runs/make_samples.py

images: $(READY)
	$(BIN)/python images/make.py

LOGGERS := build/loggers
LOGGERS_READY := $(LOGGERS)/.ready

$(LOGGERS_READY): tests/fixtures/requirements.txt constraints.txt
	$(PYTHON) -m venv $(LOGGERS)
	$(LOGGERS)/bin/pip install --quiet --constraint constraints.txt torch
	$(LOGGERS)/bin/pip install --quiet --requirement tests/fixtures/requirements.txt
	@touch $@

fixtures: $(LOGGERS_READY)
	$(LOGGERS)/bin/python tests/fixtures/make_fixtures.py

oracle: $(LOGGERS_READY)
	PYTHONPATH=. $(LOGGERS)/bin/python -m pytest -m slow tests/test_fixtures.py

benchmark: $(READY)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/reading.py
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/samples.py
	$(BIN)/python benchmarks/compare.py
	$(BIN)/python benchmarks/ci.py
	$(BIN)/python benchmarks/large.py

# the peers come into an environment of their own; where they cannot be installed, the benchmark says so and goes on
benchmark-diagnose: $(READY)
	@test -x build/peers-of-diagnose/bin/runmedic || $(PYTHON) -m venv build/peers-of-diagnose
	-build/peers-of-diagnose/bin/pip install --quiet runmedic==0.1.1 trainproof==0.22.0
	$(BIN)/python benchmarks/diagnose.py --peers build/peers-of-diagnose/bin/python

# trains the labelled runs anew and freezes them: three quarters of an hour of two cores
runs: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.runs.make
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.runs.twins

# its peers train too, so that they need torch beside them
benchmark-examine: $(READY)
	@test -x build/peers-of-examine/bin/python || $(PYTHON) -m venv build/peers-of-examine
	$(BIN)/python benchmarks/examine.py
	-build/peers-of-examine/bin/pip install --quiet --constraint constraints.txt torch
	-build/peers-of-examine/bin/pip install --quiet --constraint constraints.txt torch-audit==0.3.0 torchmortem==0.1.1 --editable '.[probe]'
	-build/peers-of-examine/bin/python benchmarks/peers.py --set all

# the peers search in this process, so that they need lossdoctor beside them; where one cannot be installed it is left out
benchmark-probe: $(READY)
	@test -x build/peers-of-probe/bin/python || $(PYTHON) -m venv build/peers-of-probe
	build/peers-of-probe/bin/pip install --quiet --constraint constraints.txt torch
	build/peers-of-probe/bin/pip install --quiet --constraint constraints.txt --editable '.[probe]'
	-build/peers-of-probe/bin/pip install --quiet optuna==5.0.0
	-build/peers-of-probe/bin/pip install --quiet torch-lr-finder==0.2.2
	OMP_NUM_THREADS=1 build/peers-of-probe/bin/python benchmarks/probe.py --peers

benchmark-search: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/search.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/folds.py

clean:
	rm -rf .venv build
