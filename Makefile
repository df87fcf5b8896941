# The door to the build. Meson does the work (meson.build); this names it.
.POSIX:
BUILD = build
DESTDIR =

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD)

# Installs what is missing (root), builds, runs every test; ends with a line of totals.
check:
	tools/check.sh

fmt:
	clang-format -i $$(git ls-files '*.c' '*.h')

install: all
	DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

deps:
	tools/packages.sh

clean:
	rm -rf $(BUILD) $(BUILD)-*

.PHONY: all check fmt install deps clean
