# make demo | test | dist | bench | reference | clean. Each sets up what it needs and is safe to repeat.
# CARGO_TARGET_DIR, when set, holds the build output of the host; plugins build in its plugins/.

SHELL := /bin/bash
.DELETE_ON_ERROR:
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
PLUGIN_TARGET := $(CARGO_TARGET_DIR)/plugins
PLUGINS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard plugins/*/Cargo.toml)))
PROGRAMS := sat jp sat-plugin sat-testkit sat-testserver
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)

.PHONY: reference demo test dist bench plugins setup setup-test lint clean

## Shows the main job on real servers: accounts, messages, a plugin dropped in and taken out.
demo: dist
	@.ci/setup demo
	@tests/demo.sh

## Formatting, lints and every test.
test: setup-test plugins lint
	@echo "== Tests of the SDK for Python"
	@PYTHONPATH=sdk/python python3 -m unittest discover -q -s sdk/python/tests
	@PYTHONPATH=sdk/python python3 -m sat_sdk test sdk/examples/python-dice
	@echo "== Building the plugins that only tests know"
	@cd tests/guests && CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/guests cargo build --release --target wasm32-wasip2
	@echo "== Tests of the host, the bridge and the frontends"
	@cargo build --workspace --bins --tests
ifdef NEXTEST
	@cargo nextest run --workspace --no-fail-fast
else
	@echo "   (cargo-nextest is not installed: using cargo test)"
	@cargo test --workspace --no-fail-fast
endif

## dist/bin/* and dist/plugins/*.wasm
dist: setup plugins
	@echo "== Building the programs (the first time takes some minutes)"
	@cargo build --release $(addprefix -p ,$(PROGRAMS))
	@mkdir -p dist/bin dist/plugins
	@install -m 755 $(foreach b,$(PROGRAMS),$(CARGO_TARGET_DIR)/release/$(b)) dist/bin/
	@rm -f dist/plugins/*.wasm
	@install -m 644 $(foreach p,$(PLUGINS),$(PLUGIN_TARGET)/wasm32-wasip2/release/$(subst -,_,$(p)).wasm) dist/plugins/
	@ls -l dist/bin dist/plugins

## Measures against a native bot on plain tokio-xmpp and plain jsonrpsee, in one run.
## BENCH='--only echo', say, is passed on.
bench: dist
	@echo "== Benchmarks"
	@cargo build --release -p sat-bench
	@$(CARGO_TARGET_DIR)/release/bench --bin dist/bin $(BENCH)

## doc/reference/, from the comments in wit/. A test says when it is old.
reference: setup
	@cargo build --workspace --bins
	@mkdir -p doc/reference
	@for p in wit/*/; do $(CARGO_TARGET_DIR)/debug/sat-plugin doc $$p > doc/reference/$$(basename $$p).md || exit 1; done

plugins: setup
	@echo "== Building the plugins"
	@cd plugins && CARGO_TARGET_DIR=$(PLUGIN_TARGET) cargo build --release --target wasm32-wasip2

lint: setup
	@echo "== Formatting and lints"
	@cargo fmt --all --check && (cd plugins && cargo fmt --all --check) && (cd sdk && cargo fmt --all --check)
	@cargo clippy --workspace --all-targets -- -D warnings
	@cd plugins && CARGO_TARGET_DIR=$(PLUGIN_TARGET) cargo clippy --release --target wasm32-wasip2 -- -D warnings
	@for e in sdk/examples/*/Cargo.toml; do (cd $$(dirname $$e) && cargo fmt --check) || exit 1; done
	@echo "== Tests of the SDK and of the plugins' own logic"
	@cd sdk && CARGO_TARGET_DIR=$(PLUGIN_TARGET) cargo test --quiet --workspace
	@cd plugins && CARGO_TARGET_DIR=$(PLUGIN_TARGET) cargo test --quiet --workspace

setup:
	@.ci/setup build

setup-test:
	@.ci/setup test

clean:
	@cargo clean
	@rm -rf dist
