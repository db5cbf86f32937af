# Apus. Every target does all that a fresh Debian 12 machine with Swift needs.
JOBS ?= 2
# More arguments for `apus train cartpole`, for example: make train ARGS="--seed 7 --name mine"
ARGS ?=

.PHONY: build actor setup train test chaos example check-wire clean

build: setup
	swift build -c release -j $(JOBS)

# apus-actor as one file for other hosts, which `apus spawn` copies there: .build/release/apus-actor-portable.
actor: setup
	scripts/portable-actor.sh $(JOBS)

# System libraries; installs only what is missing.
setup:
	@scripts/setup.sh

train: build
	.build/release/apus train cartpole $(ARGS)

test: setup
	swift build -c release --build-tests -j $(JOBS)
	swift test -c release --skip-build

# A run under faults, and the verdict. More arguments, for example: make chaos CHAOS="--seed 8 --faults 20"
CHAOS ?= --seed 7 --faults 100
chaos: build
	.build/release/apus chaos cartpole $(CHAOS)

# Builds the example package and trains on what it brings: its own environment, method and network.
example: setup
	swift build -c release --package-path Examples -j $(JOBS)
	Examples/.build/release/gridworld train Examples/gridworld.yaml $(ARGS)

# Fails if the committed code in Sources/CWire is not what proto/ gives.
check-wire:
	scripts/generate-wire.sh --check

clean:
	swift package clean
