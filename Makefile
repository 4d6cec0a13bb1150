# Everything is set up by the first target that needs it: a virtual environment in .venv, pinned by constraints.txt.
# Nothing here needs a display or a GPU.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UNDERSTUDY := $(BIN)/understudy
READY := $(VENV)/.ready

.PHONY: clients fuzz help setup demo test test-slow test-gpu test-display test-engine check fix bench demo-rays results-doom picture proto clean

help: ## This list
	@grep -hE '^[a-z-]+%?:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z%-]+):.*## /  \1\t/' | expand -t 18

setup: $(READY) ## Make the virtual environment

# torch first and by its exact version: the plain CPU build; anything looser may bring gigabytes of CUDA.
$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not there; run: make PYTHON=python3 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up $(VENV) (once, about two minutes)"
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq $(PYTHON)-venv >/dev/null; \
	  else echo "error: $(PYTHON) cannot make virtual environments; run: sudo apt-get install $(PYTHON)-venv"; exit 2; fi; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt "$$(grep -E '^torch==' constraints.txt)" 2>&1 | grep -v -E '^WARNING: (Location|Skipping)' || true
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' 2>&1 | grep -v -E '^WARNING: (Location|Skipping)' || true
	@$(BIN)/python -c 'import torch, onnxruntime, grpc, understudy' && touch $@

# --- the demo: people's Doom demos in, a served bot playing, a report out ------------------------------------------

DEMO := demo
DOOM_MAPS := freedoom1-E1M6 freedoom1-E2M4 freedoom1-E3M9 freedoom1-E4M6 freedoom2-MAP03 freedoom2-MAP10 freedoom2-MAP22 freedoom2-MAP23

demo: $(DEMO)/report/index.html ## Human logs in, a served bot playing, a report out (about ten minutes)
	@echo "Open $(DEMO)/report/index.html"

$(DEMO)/logs/.done: | $(READY)
	$(UNDERSTUDY) logs import --doom-demos --out $(DEMO)/logs
	@touch $@

# Pictures and rays of the same maps, by a scripted player that is put down somewhere else twice a second: what the bot
# learns to see from. Two maps at a time, since there are two cores.
$(DEMO)/senses/.done: | $(READY)
	@mkdir -p $(DEMO)/senses
	@$(MAKE) --no-print-directory -j2 $(DOOM_MAPS:%=$(DEMO)/senses/.%)
	@touch $@

$(DEMO)/senses/.%: | $(READY)
	$(UNDERSTUDY) record understudy/Doom-v0 --out $(DEMO)/senses --episodes 6 --options '{"scatter": 0.5}' --args \
	  '{"wad": "$(firstword $(subst -, ,$*)).wad", "map": "$(lastword $(subst -, ,$*))", "sensors": ["frame", "rays"], "max_seconds": 40}'
	@touch $@

$(DEMO)/run/metrics.json: $(DEMO)/logs/.done $(DEMO)/senses/.done recipes/doom.yaml
	$(UNDERSTUDY) train recipes/doom.yaml $(DEMO)/logs --senses $(DEMO)/senses --out $(DEMO)/run

$(DEMO)/bundle/bundle.json: $(DEMO)/run/metrics.json
	$(UNDERSTUDY) export $(DEMO)/run $(DEMO)/bundle --logs $(DEMO)/logs

# The server is stopped whatever the playtest says.
$(DEMO)/report/index.html: $(DEMO)/bundle/bundle.json examples/doom/playtest.yaml
	@rm -rf $(DEMO)/report
	$(UNDERSTUDY) serve $(DEMO)/bundle --port 50551 & server=$$!; trap "kill $$server; wait $$server" EXIT; \
	  $(UNDERSTUDY) playtest examples/doom/playtest.yaml --out $(DEMO)/report

demo-rays: $(READY) ## The same line with ray sensors and a scripted player's recordings
	$(UNDERSTUDY) record understudy/Doom-v0 --out $(DEMO)/rays/logs --episodes 12 --args '{"map": "E1M1", "sensors": ["rays"], "max_seconds": 60}'
	$(UNDERSTUDY) train recipes/vizdoom-rays.yaml $(DEMO)/rays/logs --out $(DEMO)/rays/run
	$(UNDERSTUDY) export $(DEMO)/rays/run $(DEMO)/rays/bundle --logs $(DEMO)/rays/logs
	rm -rf $(DEMO)/rays/report
	$(UNDERSTUDY) playtest examples/doom/playtest-rays.yaml --out $(DEMO)/rays/report

results-doom: $(DEMO)/bundle/bundle.json ## The full evaluation of the Doom bot, to docs/results/doom.md (about 40 minutes)
	@mkdir -p results/doom
	$(BIN)/python examples/doom/results.py $(DEMO) results/doom docs/results/doom.md

picture: ## The README's picture, from the demo
	$(BIN)/python examples/doom/picture.py $(DEMO)/report docs/images/demo.png

# --- tests and checks ----------------------------------------------------------------------------------------------

test: $(READY) ## The tests that need no display, no GPU and no engine
	$(BIN)/pytest -q -n auto --dist loadfile

test-slow: $(READY) ## Tests of more than about twenty seconds each
	$(BIN)/pytest -q -m slow

test-gpu: $(READY) ## Tests that need a CUDA device
	$(BIN)/pytest -q -m gpu

test-display: $(READY) ## Tests that need a display (xvfb-run make test-display)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt pynput # on Linux only for a test
	$(BIN)/pytest -q -m display

test-engine: $(READY) ## Tests that start a game engine, a browser or a C++ compiler (installs Debian's packages for them)
	-clients/install-debian.sh
	$(BIN)/pytest -q -m engine

clients: ## Build the C library
	clients/install-debian.sh build
	cmake -S clients/c -B build/clients/c
	nice cmake --build build/clients/c -j1

fuzz: $(READY) ## Twenty minutes of coverage-guided fuzzing of what the server and the importers read (installs atheris)
	$(BIN)/pip install --quiet --disable-pip-version-check 'atheris>=2.3'
	cd tests/serving && ../../$(BIN)/python fuzz_wire.py -max_total_time=600
	cd tests/recordings/formats && ../../../$(BIN)/python fuzz_formats.py -max_total_time=600

check: $(READY) ## The linters, the type checker and the floors
	$(BIN)/ruff check --no-cache . # its cache forgets which modules are our own
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fix: $(READY) ## Format and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# --- numbers -------------------------------------------------------------------------------------------------------

bench: bench-line bench-serving bench-logs ## Run every benchmark

bench-%: $(READY) ## One benchmark: bench-line, bench-rays, bench-windows, bench-training-step, bench-serving-line, bench-serving, bench-precision, bench-logs, bench-senses, bench-skirmish, bench-tactical
	$(BIN)/python benchmarks/$(subst -,_,$*).py

bench-tactical: $(READY) ## The bots for skirmish, from nothing to a table (four hours; QUICK=1: ten minutes)
	$(BIN)/python benchmarks/tactical_networks.py
	$(BIN)/python benchmarks/tactical.py $(if $(QUICK),--quick)

bench-tester: $(READY) ## The testers of the park and the playtests, from nothing to a table (many hours, in stages that are kept; QUICK=1: small sizes)
	$(BIN)/python benchmarks/tester.py $(if $(QUICK),--quick)

proto: $(READY) ## Write the Python modules of proto/
	$(call PROTOC,serving,understudy,--grpc_python_out=src)
	$(call PROTOC,serving/web,web)
	$(call PROTOC,serving/dialects/mlagents,mlagents,--grpc_python_out=src)
	$(call PROTOC,serving/dialects/oip,oip,--grpc_python_out=src)
	$(call PROTOC,recordings/formats/mlagents,demo)
	@# Pools of their own: tritonclient and mlagents_envs register the same names, and a process may hold both.
	sed -i 's/_descriptor_pool.Default()/_descriptor_pool.DescriptorPool()/' src/understudy/serving/dialects/oip/oip_pb2.py \
	  src/understudy/recordings/formats/mlagents/demo_pb2.py

PROTOC = $(BIN)/python -m grpc_tools.protoc --proto_path=understudy/$(1)=proto --python_out=src --pyi_out=src $(3) proto/$(2).proto

clean: ## Remove what the demo made and compiled kernels (not the virtual environment)
	rm -rf $(DEMO) results
	rm -rf src/understudy/__pycache__/kernels-*
