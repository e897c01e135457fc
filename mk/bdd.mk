# The diagram against an independent engine, the BDD library BuDDy: make check-bdd [BDD_SEEDS=200]. Debian: libbdd-dev; nothing else needs it.
BDD_SEEDS ?= 200
BDD_LIBS := $(foreach m,base net diagram,$(if $(call srcs,$(m)),$(BUILD)/lib$(m).a))

.PHONY: check-bdd
check-bdd: $(BUILD)/bdd_check
	$< $(BDD_SEEDS)

$(BUILD)/bdd_check: $(BUILD)/tests/proof/bdd_check.o $(BDD_LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(BDD_LIBS) -Wl,--end-group -lbdd
