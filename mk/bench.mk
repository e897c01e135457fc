# Measurements: make bench, as root; what they mean is in docs/performance.md.
.PHONY: bench
$(BUILD)/bench/read: $(BUILD)/tests/bench/read.o $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(LIBS) -Wl,--end-group $(PKG_LIBS)

$(BUILD)/bench/packet: $(BUILD)/tests/bench/packet.o $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(LIBS) -Wl,--end-group $(PKG_LIBS)

bench: all $(BUILD)/bench/read
	BUILD=$(abspath $(BUILD)) python3 tests/bench/run.py
