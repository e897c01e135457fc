# Installation. Nothing is enabled or started, and a policy that is there is left alone.
#
#   make install [DESTDIR=/tmp/package] [PREFIX=/usr/local]
#   make uninstall      the policy and the state folder stay

SBINDIR         ?= $(PREFIX)/sbin
SYSCONFDIR      ?= /etc
MANDIR          ?= $(PREFIX)/share/man
EXAMPLEDIR      ?= $(PREFIX)/share/doc/fwctl/examples
UNITDIR         ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR     ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR     ?= $(PREFIX)/lib/tmpfiles.d
BASHCOMPDIR     ?= $(PREFIX)/share/bash-completion/completions
# Debian's zsh looks there for what packages bring, and into site-functions below /usr/local only.
ZSHCOMPDIR      ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHCOMPDIR     ?= $(PREFIX)/share/fish/vendor_completions.d

INSTALL_MAN      := $(wildcard man/*.5 man/*.8)
INSTALL_UNITS    := $(wildcard systemd/*.service systemd/*.timer systemd/*.socket)
INSTALL_EXAMPLES := $(filter-out policies/services.conf,$(wildcard policies/*.conf))
INSTALL_POLICY   := $(SYSCONFDIR)/fwctl/policy.conf
INSTALL_CONF     := $(SYSCONFDIR)/fwctl/fwctld.conf

# Every file that install makes and uninstall takes away; the policy and the settings are the administrator's.
INSTALLED := $(SBINDIR)/fwctl $(SBINDIR)/fwctld $(SYSUSERSDIR)/fwctl.conf $(TMPFILESDIR)/fwctl.conf \
	$(foreach page,$(INSTALL_MAN),$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
	$(addprefix $(UNITDIR)/,$(notdir $(INSTALL_UNITS))) \
	$(BASHCOMPDIR)/fwctl $(ZSHCOMPDIR)/_fwctl $(FISHCOMPDIR)/fwctl.fish \
	$(addprefix $(EXAMPLEDIR)/,$(notdir $(INSTALL_EXAMPLES)))

install: $(BUILD)/fwctl $(BUILD)/fwctld
	install -d -m 0755 $(addprefix $(DESTDIR),$(sort $(dir $(INSTALLED))))
	install -m 0755 $(BUILD)/fwctl $(BUILD)/fwctld $(DESTDIR)$(SBINDIR)/
	install -m 0644 systemd/fwctl.sysusers $(DESTDIR)$(SYSUSERSDIR)/fwctl.conf
	install -m 0644 systemd/fwctl.tmpfiles $(DESTDIR)$(TMPFILESDIR)/fwctl.conf
	for page in $(INSTALL_MAN); do install -m 0644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/ || exit 1; done
	for unit in $(notdir $(INSTALL_UNITS)); do \
		sed 's,/usr/sbin/fwctl,$(SBINDIR)/fwctl,' systemd/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && \
		chmod 0644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done
	install -m 0644 completions/fwctl.bash $(DESTDIR)$(BASHCOMPDIR)/fwctl
	install -m 0644 completions/_fwctl $(DESTDIR)$(ZSHCOMPDIR)/_fwctl
	install -m 0644 completions/fwctl.fish $(DESTDIR)$(FISHCOMPDIR)/fwctl.fish
	install -m 0644 $(INSTALL_EXAMPLES) $(DESTDIR)$(EXAMPLEDIR)/
	[ -d $(DESTDIR)$(SYSCONFDIR)/fwctl ] || install -d -m 0750 $(DESTDIR)$(SYSCONFDIR)/fwctl
	[ -e $(DESTDIR)$(INSTALL_POLICY) ] || install -m 0640 policies/workstation.conf $(DESTDIR)$(INSTALL_POLICY)
	[ -e $(DESTDIR)$(INSTALL_CONF) ] || install -m 0640 systemd/fwctld.conf $(DESTDIR)$(INSTALL_CONF)

uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	-rmdir $(DESTDIR)$(EXAMPLEDIR) $(DESTDIR)$(dir $(EXAMPLEDIR)) 2>/dev/null
	@for file in $(INSTALL_POLICY) $(INSTALL_CONF); do [ ! -e $(DESTDIR)$$file ] || echo "kept: $(DESTDIR)$$file"; done

.PHONY: completions
completions: $(BUILD)/fwctl
	python3 tools/gen-completions.py $(BUILD)/fwctl completions
