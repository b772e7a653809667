# Every target makes what it needs. The stamps remember which requirements are installed.
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.requirements
DEV := .venv/.requirements-dev

.PHONY: dashboard test soak soak-kills soak-faults soak-together soak-nodes lint lock bench bench-pages bench-viewer bench-visitors bench-uploads bench-ig bench-distill clean
dashboard: $(RUN)
	$(BIN)/streamlit run dashboard/Home.py

test: $(DEV)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# What goes wrong, again and again: kills of runs at random moments, calls of every kind failing in every stage, many
# processes at the same studies, and a cluster that loses nodes. One of them alone takes ARGS:
# make soak-kills ARGS="--kills 100 --seed 1"; and nearly every call, not two of a kind, fails in
# make soak-faults ARGS="--most 200", which takes far longer; a stage alone in ARGS="--most 200 predict".
soak: soak-kills soak-faults soak-together soak-nodes

soak-kills: $(DEV)
	$(BIN)/python -m tests.soak $(ARGS)

soak-faults: $(DEV)
	$(BIN)/python -m tests.faulted $(ARGS)

soak-together: $(DEV)
	$(BIN)/python -m tests.together $(ARGS)

soak-nodes: $(DEV)
	$(BIN)/python -m tests.nodes $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The versions, hashes and licences of all packages, anew: after the requirements have changed.
lock: $(DEV)
	$(BIN)/python -m tests.supply

# All that is promised in numbers. One of them alone takes ARGS, and `--help` tells which:
# make bench-visitors ARGS="--minutes 1"; make bench-ig ARGS="--resnet50 FILE --photos FOLDER"
bench: bench-pages bench-viewer bench-visitors bench-uploads bench-ig bench-distill

bench-pages bench-viewer bench-visitors bench-uploads: bench-%: $(DEV)
	$(BIN)/python -m dashboard.bench $* $(ARGS)

bench-ig bench-distill: bench-%: $(RUN)
	$(BIN)/python -m core bench $* $(ARGS)

clean:
	rm -rf .venv

$(RUN): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -r requirements.txt
	touch $@

$(DEV): $(RUN) requirements-dev.txt
	$(BIN)/python -m pip install -q -r requirements-dev.txt
	touch $@
