# Apus. Every target does all that a fresh Debian 12 machine with Swift needs.
JOBS ?= 2
# More arguments for `apus train cartpole`, for example: make train ARGS="--seed 7 --name mine"
ARGS ?=

.PHONY: build setup train test check-wire clean

build: setup
	swift build -c release -j $(JOBS)

# System libraries; installs only what is missing.
setup:
	@scripts/setup.sh

train: build
	.build/release/apus train cartpole $(ARGS)

test: setup
	swift build -c release --build-tests -j $(JOBS)
	swift test -c release --skip-build

# Fails if the committed code in Sources/CWire is not what proto/ gives.
check-wire:
	scripts/generate-wire.sh --check

clean:
	swift package clean
