# Fuzzing. tests/fuzz/fuzz_NAME.c defines LLVMFuzzerTestOneInput (tests/fuzz/fuzz.h) and may use every library module.
# Its seeds, and what once went wrong, lie in tests/fuzz/corpus/NAME/; words for the fuzzer in tests/fuzz/dict/NAME.dict.
#
#   make fuzz [FUZZ_SECONDS=60] [FUZZ=NAME ...]    each target for so long, with libFuzzer (clang)
#   make fuzz-replay                               every corpus once, any compiler, with sanitizers

FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
FUZZ         ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

.PHONY: fuzz fuzz-replay fuzz-bins replay-bins

.SECONDARY: $(FUZZ:%=$(BUILD)/tests/fuzz/fuzz_%.o) $(BUILD)/tests/fuzz/replay.o

fuzz-bins: $(FUZZ:%=$(BUILD)/fuzz_%)
replay-bins: $(FUZZ:%=$(BUILD)/replay_%)

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(LIBS)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(LIBS) -Wl,--end-group $(PKG_LIBS)

$(BUILD)/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(LIBS) -Wl,--end-group $(PKG_LIBS)

# The objects of a fuzz target find fuzz.h beside it; those of the library are built anew, with what the fuzzer watches.
fuzz:
	+$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=$(FUZZ_CC) SAN=fuzzer-no-link,address,undefined fuzz-bins
	@for name in $(FUZZ); do \
		mkdir -p $(BUILD)/fuzz/found/$$name tests/fuzz/corpus/$$name || exit 1; \
		dict=tests/fuzz/dict/$$name.dict; \
		$(BUILD)/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/fuzz/$$name- $$([ -f $$dict ] && echo -dict=$$dict) \
			$(BUILD)/fuzz/found/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

fuzz-replay:
	+$(MAKE) --no-print-directory BUILD=$(BUILD)/replay SAN=address,undefined replay-bins
	@for name in $(FUZZ); do \
		find tests/fuzz/corpus/$$name -type f -print0 | xargs -0 $(BUILD)/replay/replay_$$name || exit 1; \
	done
