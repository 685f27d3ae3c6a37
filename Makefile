# Everything a newcomer or CI runs. `make` alone lists the targets.
# Each target first installs what it lacks (scripts/packages: Debian 12, root); nothing else outside target/ is touched.

ANTIN_SHARED ?= ../shared
export ANTIN_SHARED

TARGET := $(or $(CARGO_TARGET_DIR),target)
VENV := target/oracles/venv
PKITS := target/oracles/pkits
AXE := target/browser/axe.min.js

.DEFAULT_GOAL := help
.PHONY: help demo test check oracles soak faults bench bench-http bench-issuing bench-peers clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## The whole story on this machine: sign, prove, verify, tamper, use up, withdraw, revoke, catch a forged log
	@scripts/packages build
	cargo build --release --locked
	$(TARGET)/release/antin demo

test: $(AXE) ## All tests that need no foreign implementation but Debian's own tools and axe-core
	@scripts/packages build test
	cargo test --locked

$(AXE): tests/browser/package.json tests/browser/axe.min.js.sha256
	@scripts/packages test
	rm -rf target/browser/npm
	mkdir -p target/browser/npm
	cp $< target/browser/npm
	npm install --prefix target/browser/npm --cache target/browser/npm/cache --ignore-scripts --no-package-lock --no-audit \
		--no-fund --no-update-notifier --loglevel=error
	cd target/browser/npm/node_modules/axe-core && sha256sum --check --quiet $(CURDIR)/tests/browser/axe.min.js.sha256
	cp target/browser/npm/node_modules/axe-core/axe.min.js $@
	rm -rf target/browser/npm

check: ## What CI holds: format, lints, documentation, dependencies, a short run of every fuzz target
	@scripts/packages build fuzz
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
	scripts/deny
	scripts/fuzz

oracles: $(VENV)/installed $(PKITS)/installed ## The tests against pyHanko, Bouncy Castle, PDFBox and PKITS; a missing one is a failure here
	@scripts/packages build test oracles
	ANTIN_ORACLES=1 cargo test --locked --test antin -- oracles pkits

$(VENV)/installed: tests/oracles/requirements.txt
	@scripts/packages oracles
	python3 -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --only-binary=:all: --requirement $<
	cp $< $@

$(PKITS)/installed: tests/pkits/requirements.txt | $(VENV)/installed
	$(VENV)/bin/python scripts/pkits $< $(PKITS)
	touch $@

faults: ## What fails and what becomes of the verdicts meanwhile: the table (under a minute; part of `test`)
	@scripts/packages build test
	cargo test --locked --test antin faults -- --nocapture

soak: ## What `test` takes some of: every attacked PDF, each bit of ten small files, a thousand deaths over each store, 2 GiB streamed
	@scripts/packages build test
	ANTIN_SOAK=1 cargo test --locked --test antin -- pdf_mutations --nocapture
	ANTIN_SOAK=1 cargo test --locked --test antin -- crash:: http::streamed --nocapture --test-threads=1

bench: ## One document beside bare operations, a path beside X509_verify_cert, a CRL of a million entries
	@scripts/packages build
	cargo bench --locked --bench document
	cargo bench --locked --bench path
	cargo bench --locked --bench crl
	cargo bench --locked --bench status_list

bench-http: ## POST /v1/verify on one server core, beside the bare verification on the same core
	@scripts/packages build bench
	cargo bench --locked --bench http

bench-issuing: ## Durable signing over mutual TLS, and verifying in batches, beside the raw operations
	@scripts/packages build test
	cargo bench --locked --bench issuing
	cargo bench --locked --bench issuance_log

bench-peers: ## A B-LTA signature and a PDF of ours judged by us and by pyHanko, skipped where that is not installed; a PDF beside hashing it
	@scripts/packages build
	cargo bench --locked --bench peers
	cargo bench --locked --bench pdf

clean: ## Remove all that was built, the tools and oracles in target/ too
	cargo clean
	rm -rf target
