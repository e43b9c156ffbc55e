# demo shows the main job; test and check are what CI runs. Each line can be typed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXPORT := .venv-export
PEERS := .venv-peers

.PHONY: demo test test-kill soak check lit fuzz bench bench-import bench-load bench-packs bench-refresh \
	bench-run bench-weights checkpoints conformance models export-models verify-schedules clean

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/digits/demo.sh

test: $(READY)
	$(BIN)/pytest test

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# Kills the writer at 200 random moments; make test does it ten times.
test-kill: $(READY)
	ASCEND_OPT_KILLS=200 $(BIN)/pytest test/e2e/test_killed_writer.py

# Threads infer while weights are swapped 10,000 times (make test: 250 times), and what further
# threads add.
soak: $(READY)
	$(BIN)/python -m bench.soak
	$(BIN)/python -m bench.concurrency

lit: $(READY)
	$(BIN)/lit -v test

bench: $(READY)
	$(BIN)/python bench/run.py

bench-load: $(READY)
	$(BIN)/python -m bench.loading

# Beside other tools, which are large: an environment of its own.
bench-import bench-refresh bench-run bench-weights: $(PEERS)/.ready
bench-weights:
	$(PEERS)/bin/python -m bench.weights --all

# Beside sha256sum only.
bench-packs: $(READY)
	$(BIN)/python -m bench.packs

bench-import:
	$(PEERS)/bin/python -m bench.imports

bench-refresh:
	$(PEERS)/bin/python -m bench.refresh

bench-run:
	$(PEERS)/bin/python -m bench.inference

# A million mutated files, half an hour on two free cores; make test reads a few thousand.
fuzz: $(READY)
	$(BIN)/python -m fuzz.run

conformance: $(READY)
	$(BIN)/python -m conformance.run

# BERT-base, ResNet-50 and a Llama of two layers are refreshed to another checkpoint and rolled back;
# needs 5 GB of memory and 6 minutes. make test does it with small models.
checkpoints: $(READY)
	$(BIN)/python -m conformance.checkpoints

# Every kernel of 13 models and 2,000 random shapes of each family: proofs, and both engines.
verify-schedules: $(READY)
	$(BIN)/python -m conformance.schedules

# Simulated times against published measurements: docs/validation.md.
validate: $(READY)
	$(BIN)/python -m validation.run

models: $(READY)
	$(BIN)/python -m conformance.models

# Needs torch, which is large: an environment of its own.
export-models:
	$(PYTHON) -m venv $(EXPORT)
	$(EXPORT)/bin/python -m pip install --quiet -r examples/models/export/requirements.txt
	$(EXPORT)/bin/python -m examples.models.export

clean:
	rm -rf $(VENV) $(EXPORT) $(PEERS) .lit out

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	$(BIN)/python -m compileall -q compiler dialects runtime
	touch $@

$(PEERS)/.ready: pyproject.toml
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(PEERS)/bin/python -m pip install --quiet --editable . --group peers
	touch $@
