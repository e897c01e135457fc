# Measurements: make bench (commands), make bench-packets, make bench-daemon, as root; what they mean is in docs/performance.md.
.PHONY: bench bench-packets bench-daemon bench-programs
BENCH_PROGRAMS := read packet replay
define bench_rule
$(BUILD)/bench/$(1): $(BUILD)/tests/bench/$(1).o $(LIBS)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$< -Wl,--start-group $(LIBS) -Wl,--end-group $$(PKG_LIBS)
endef
$(foreach p,$(BENCH_PROGRAMS),$(eval $(call bench_rule,$(p))))

$(BUILD)/bench/record.so: tests/bench/record.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -shared -fPIC -o $@ $<

bench-programs: all $(BENCH_PROGRAMS:%=$(BUILD)/bench/%) $(BUILD)/bench/record.so

bench: bench-programs
	BUILD=$(abspath $(BUILD)) python3 tests/bench/run.py

bench-packets: bench-programs
	BUILD=$(abspath $(BUILD)) python3 tests/bench/packets.py

bench-daemon: bench-programs
	BUILD=$(abspath $(BUILD)) python3 tests/bench/daemon.py
