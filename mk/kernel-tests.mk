# Tests against a real kernel, each in a network namespace of its own (they refuse to run in the first one): make check-kernel, as root.
KERNEL_TEST_SRCS := $(sort $(wildcard tests/kernel/test_*.c))
KERNEL_TEST_BINS := $(patsubst tests/kernel/%.c,$(BUILD)/kernel-tests/%,$(KERNEL_TEST_SRCS))
# All that the kernel module may know: rulesets, not policies.
KERNEL_TEST_LIBS := $(foreach m,base net diag ruleset kernel,$(if $(call srcs,$(m)),$(BUILD)/lib$(m).a))
define kernel_test_rule
$(BUILD)/kernel-tests/$(notdir $(1:.c=)): $(BUILD)/$(1:.c=.o) $(KERNEL_TEST_LIBS)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(PKG_LIBS) -lcmocka
endef
$(foreach t,$(KERNEL_TEST_SRCS),$(eval $(call kernel_test_rule,$(t))))

.PHONY: check-kernel kernel-test-bins
kernel-test-bins: $(KERNEL_TEST_BINS)
check-kernel: $(KERNEL_TEST_BINS)
	@fail=0; for t in $(KERNEL_TEST_BINS); do unshare -n $$t || fail=1; done; exit $$fail
