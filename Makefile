# Every target makes what it needs. The stamps remember which requirements are installed.
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.requirements
DEV := .venv/.requirements-dev

.PHONY: dashboard test lint bench clean
dashboard: $(RUN)
	$(BIN)/streamlit run dashboard/Home.py

test: $(DEV)
	$(BIN)/pytest -n 2 --dist loadfile

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# ARGS="--resnet50 FILE --original-strides --photos FOLDER" and the like; `core bench ig --help` says more.
bench: $(RUN)
	$(BIN)/python -m core bench ig $(ARGS)

clean:
	rm -rf .venv

$(RUN): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -r requirements.txt
	touch $@

$(DEV): $(RUN) requirements-dev.txt
	$(BIN)/python -m pip install -q -r requirements-dev.txt
	touch $@
