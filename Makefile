# Two commands matter: `make demo` shows what Custody does, `make test` checks all that it promises.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: demo test check fix soak bench

TARGET := $(or $(CARGO_TARGET_DIR),target)
# One set of features everywhere, so that nothing is built twice.
ALL := --workspace --features node/asm
RELEASE := cargo build --locked --release --features node/asm

# Converts two recordings on this machine, then starts three members on loopback. The one that takes the same recordings is
# killed in the middle; the others go on, make the videos, send the mails, and serve until Ctrl-C. ONCE=1 ends it after that.
DEMO := ssh-terminal vnc-audio-avsync
demo:
	@.ci/install cc nasm
	$(RELEASE) --package node
	@mkdir -p $(TARGET)/demo
	@for name in $(DEMO); do \
		echo; echo "== $$name"; \
		$(TARGET)/release/custody inspect tests/data/$$name.guac.zst; \
		$(TARGET)/release/custody convert tests/data/$$name.guac.zst --output $(TARGET)/demo/$$name.mp4; \
	done
	@echo; echo "Play these with any player or browser:"
	@for name in $(DEMO); do realpath $(TARGET)/demo/$$name.mp4; done
	@echo; echo "== three members, and one that is killed"
	@$(TARGET)/release/custody demo $(if $(ONCE),--once) $(DEMO:%=tests/data/%.guac.zst)

# All checks, unit tests and the suite; ends with the summary of the test runner. Power cuts need root.
test: check
	@.ci/install ffmpeg mkvmerge mediainfo zstd curl jq python3-numpy python3-aiosmtpd oidc-provider postgresql cargo-nextest losetup mkfs.ext4
	cargo test --locked $(ALL) --doc --quiet
	cargo nextest run --locked $(ALL)

# Reads only.
check:
	@.ci/install cc nasm cargo-deny
	cargo fmt --all --check
	cargo deny --log-level error check bans licenses sources
	cargo clippy --locked $(ALL) --all-targets -- --deny warnings
	RUSTDOCFLAGS=--deny=warnings cargo doc --locked $(ALL) --no-deps --document-private-items

# Rewrites what tools can mend.
fix:
	@.ci/install cc nasm
	cargo fmt --all
	cargo clippy $(ALL) --all-targets --fix --allow-dirty --allow-staged

# Long runs: make soak SUITE=pictures|frames|determinism|power_cut|kill|members|resume|sessions|ranges|repair|sync|moves|races|clocks|canary|requests|catalog|heal|leader|full|hostile|simulation|screen N=50 SEED=1 RECORDINGS=tests/data
# N counts losses of receiving members, by turns killed and cut off (resume), live sessions (sessions), sealed recordings (ranges),
# recordings and as many videos (sync), members that are drained and wiped, with half as many that are killed for good (moves),
# changed files (repair), sessions (races, canary, catalog), requests of each kind (requests), MiB that a member has lost (heal)
# and kills of the leader (leader), otherwise runs. SUITE=full fills disks and needs root.
# Each run is a line of JSON in $(TARGET)/soak/SUITE.jsonl; runs that stand there are not repeated. SUITE=fuzz runs each fuzz
# target of codec for MINUTES from the saved inputs on; what breaks a law is kept in $(TARGET)/soak/fuzz. SUITE=screen lets all
# decoders see N frames with random choices of our encoder, and N that it decides; it names the stream on which they differ.
# SUITE=api sends at least N requests that schemathesis makes of the OpenAPI document to a member of its own.
SUITE := determinism
MINUTES := 10
N := 50
SEED := 1
RECORDINGS := tests/data
ifeq ($(SUITE),fuzz)
soak:
	@.ci/install cc nightly cargo-fuzz
	cd codec && for target in $$(cargo +nightly fuzz list); do \
		into=$(abspath $(TARGET))/soak/fuzz/$$target; mkdir -p $$into/found; \
		CARGO_TARGET_DIR=$(abspath $(TARGET))/fuzz cargo +nightly fuzz run -O $$target $$into $(CURDIR)/tests/data/fuzz/$$target \
			-- -max_total_time=$$((60 * $(MINUTES))) -timeout=20 -rss_limit_mb=2000 -max_len=4096 -artifact_prefix=$$into/found/; \
	done
else ifeq ($(SUITE),screen)
soak:
	@.ci/install cc nasm ffmpeg
	SCREEN_FRAMES=$(N) SCREEN_SEED=$(SEED) cargo test --locked --package codec --features codec/asm --lib conformance
else ifeq ($(SUITE),api)
soak:
	@.ci/install cc nasm schemathesis
	$(RELEASE) --package node
	PYTHONPATH=$(abspath $(TARGET))/pip python3 tests/measure/api.py $(TARGET)/release/custody \
		--requests $(N) --seed $(SEED) --into $(TARGET)/soak
else
soak:
	@.ci/install cc nasm ffmpeg python3-numpy losetup mkfs.ext4 faketime fio
	$(RELEASE) --package node --package tests --bins
	$(TARGET)/release/soak $(SUITE) --times $(N) --seed $(SEED) --recordings $(RECORDINGS) --into $(TARGET)/soak
endif

# The stages of a conversion one by one, whole conversions beside guacenc, and all recordings beside other encoders
# (COMPARED='--only NAME' for one of them); then what three members answer in a second, the facts that they commit in one, and PUT
# and GET beside three members of Garage, which takes half an hour to build (GARAGE=/path/to/garage takes one that is there).
COMPARED :=
REQUESTS := 6000
GARAGE := $(TARGET)/measured/bin/garage
bench:
	@.ci/install cc nasm ffmpeg python3 python3-numpy garage
	RECORDINGS=$(abspath $(RECORDINGS)) cargo bench --locked --package benches --features codec/asm
	$(RELEASE) --package node --package tests --bins
	cargo build --locked --release --package codec --features codec/asm --example pictures_at --example screen_encoder
	/usr/bin/python3 tests/measure/cost.py $(TARGET)/release/custody $(RECORDINGS)
	/usr/bin/python3 tests/measure/compare.py $(TARGET)/release/custody $(RECORDINGS) \
		$(TARGET)/release/examples $(COMPARED)
	@rm -f $(TARGET)/bench/requests.jsonl
	$(TARGET)/release/soak requests --times $(REQUESTS) --recordings $(RECORDINGS) --into $(TARGET)/bench
	/usr/bin/python3 tests/measure/writes.py $(TARGET)/release/custody --folder $(TARGET)/bench --into $(TARGET)/bench/writes.json
	/usr/bin/python3 tests/measure/garage.py $(TARGET)/release/custody $(GARAGE) \
		--folder $(TARGET)/bench --into $(TARGET)/bench/garage.json
