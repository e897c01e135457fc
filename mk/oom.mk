# Every allocation fails once: make oom, as root. OOM_POINTS: at most so many of a command, 0: all. With SAN=address,undefined also under the
# sanitizers, leaks included.
OOM_POINTS ?= 200
.PHONY: oom
$(BUILD)/oom/fail.so: tests/oom/fail.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -O2 -Wall -Wextra -shared -fPIC -o $@ $<

oom: all $(BUILD)/oom/fail.so
	FWCTL=$(abspath $(BUILD))/fwctl OOM_LIBRARY=$(abspath $(BUILD))/oom/fail.so python3 tests/oom/run.py -n $(OOM_POINTS)
