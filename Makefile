# The door to the build. Meson does the work (meson.build); this names it.
.POSIX:
BUILD = build
# make fuzz: how long each target is fuzzed, and which (empty: all)
SECONDS = 60
TARGET =

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD)

# Installs what is missing (root), builds, closes port 25 in a small real network, and shows it.
lab: deps all
	$(BUILD)/src/prog/porteiro lab up

# Installs what is missing (root), builds, runs every test; ends with a line of totals.
check:
	tools/check.sh

# The packet tests and real PPPoE homes on Debian 12's own kernel, in an emulated machine.
check-kernel: deps all
	BUILD=$(BUILD) tools/check-kernel.sh

# One table of figures; bench-filter is the part about the packet filter.
bench: deps all
	tests/bench/run
bench-filter: deps all
	tests/bench/run filter

fuzz: deps
	SECONDS_EACH=$(SECONDS) TARGET=$(TARGET) tools/fuzz.sh

fmt:
	clang-format -i $$(git ls-files '*.c' '*.h')

install: all
	DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

deps:
	tools/packages.sh

clean:
	rm -rf $(BUILD) $(BUILD)-*

.PHONY: all lab check check-kernel bench bench-filter fuzz fmt install deps clean
