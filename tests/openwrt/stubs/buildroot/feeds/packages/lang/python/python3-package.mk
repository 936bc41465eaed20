define Py3Package
$(Package/$(1))

define Package/$(1)-src
endef
endef

.PHONY: install packages depends
packages:
	@echo $(PACKAGES)

depends:
	@echo $(DEPENDS)

install:
	$(Build/Prepare)
	$(INSTALL_DIR) $(PKG_INSTALL_DIR)/usr/bin
	touch $(PKG_INSTALL_DIR)/usr/bin/henbd
	$(call Py3Package/henbd/install,$(DESTDIR))
