# fwctl: build, test, install. `make help` lists the targets.
#
#   make BUILD=dir          another build folder (default: build)
#   make CC=clang           another compiler
#   make SAN=address,undefined BUILD=build-asan    with sanitizers

ifeq ($(origin CC),default)
CC      := gcc
endif
BUILD   ?= build
PREFIX  ?= /usr
SAN     ?=
VERSION := 0.1.0

# The road from text to kernel: a module may use itself and what stands before it.
MODULES := base net diag syntax policy diagram ruleset compile kernel proof store engine cli
LIBMODULES := $(filter-out cli,$(MODULES))

PKGS     := libnftnl libmnl jansson sqlite3 ncursesw
# What only the daemon needs.
DAEMON_PKGS := libmicrohttpd libsystemd libseccomp
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) $(DAEMON_PKGS) 2>/dev/null)
PKG_LIBS   := -Wl,--as-needed $(shell pkg-config --libs $(PKGS) 2>/dev/null)
DAEMON_LIBS := $(shell pkg-config --libs $(DAEMON_PKGS) 2>/dev/null) -pthread

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wswitch-enum \
        -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla -Wformat=2 \
        -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings -Werror
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
OPT  ?= -O2 -g
ifneq ($(SAN),)
OPT    := -O1 -g -fno-omit-frame-pointer
HARDEN := -fPIE
SANFLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all
endif

ALL_CFLAGS := -std=c17 -D_GNU_SOURCE -DFW_VERSION='"$(VERSION)"' $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) \
              -Iinclude -Isrc -I$(BUILD)/gen $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS)

srcs = $(sort $(wildcard src/$(1)/*.c))
objs = $(patsubst %.c,$(BUILD)/%.o,$(call srcs,$(1)))
# Static libraries of the modules up to and including $(1), last first, as the linker wants them.
upto = $(shell out=; for m in $(MODULES); do [ -n "$(wildcard src/*)" ]; ls src/$$m/*.c >/dev/null 2>&1 && \
         out="$(BUILD)/lib$$m.a $$out"; [ $$m = $(1) ] && break; done; echo $$out)

PRESENT := $(foreach m,$(MODULES),$(if $(call srcs,$(m)),$(m)))
LIBS    := $(foreach m,$(filter-out cli,$(PRESENT)),$(BUILD)/lib$(m).a)

.PHONY: all check bench install uninstall fuzz lint format clean help unit
all: $(BUILD)/fwctl $(BUILD)/fwctld

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile
	@echo "targets: all check unit bench install uninstall fuzz lint format clean"

$(BUILD)/fwctl: $(call objs,cli) $(LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $(call objs,cli) -Wl,--start-group $(LIBS) -Wl,--end-group $(PKG_LIBS)

$(BUILD)/fwctld: $(call objs,daemon) $(LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $(call objs,daemon) -Wl,--start-group $(LIBS) -Wl,--end-group $(PKG_LIBS) $(DAEMON_LIBS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define module_rule
$(BUILD)/lib$(1).a: $(call objs,$(1))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach m,$(filter-out cli,$(PRESENT)),$(eval $(call module_rule,$(m))))

# The catalogue is compiled into the program, so that a policy needs no file but its own.
$(BUILD)/gen/catalogue_text.inc: policies/services.conf
	@mkdir -p $(@D)
	od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' > $@
$(BUILD)/src/policy/catalogue.o: $(BUILD)/gen/catalogue_text.inc

# So is the page of the daemon.
$(BUILD)/gen/web_html.inc: src/daemon/web/index.html
$(BUILD)/gen/web_css.inc: src/daemon/web/page.css
$(BUILD)/gen/web_js.inc: src/daemon/web/page.js
$(BUILD)/gen/web_%.inc:
	@mkdir -p $(@D)
	od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' > $@
$(BUILD)/src/daemon/web.o: $(BUILD)/gen/web_html.inc $(BUILD)/gen/web_css.inc $(BUILD)/gen/web_js.inc

# Unit tests: tests/unit/test_MODULE[_TOPIC].c, linked with the modules up to MODULE only.
UNIT_SRCS := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BINS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRCS))
unit_module = $(word 2,$(subst _, ,$(notdir $(1))))
# Of the daemon, what can be tried without a process.
unit_needs = $(if $(filter daemon,$(1)),$(BUILD)/src/daemon/message.o $(BUILD)/libbase.a,$(call upto,$(1)))
define unit_rule
$(BUILD)/unit/$(notdir $(1:.c=)): $(BUILD)/$(1:.c=.o) $(call unit_needs,$(call unit_module,$(1:.c=)))
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(PKG_LIBS) -lcmocka
endef
$(foreach t,$(UNIT_SRCS),$(eval $(call unit_rule,$(t))))
.PHONY: unit-bins
unit-bins: $(UNIT_BINS)
unit: $(UNIT_BINS)
	@fail=0; for t in $(UNIT_BINS); do $$t || fail=1; done; exit $$fail

# All tests, as CI runs them; packages are the bootstrap's part.
check:
	python3 tests/suites/run.py

clean:
	rm -rf $(BUILD)

include $(wildcard mk/*.mk)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
