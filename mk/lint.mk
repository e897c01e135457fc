# The house style: make lint reads it off the sources and the objects, make format lays the sources out.
.PHONY: lint format
lint: all
	BUILD=$(BUILD) python3 tests/lint/lint.py
	python3 tests/lint/test_lint.py

CLANG_FORMAT ?= clang-format
format:
	$(CLANG_FORMAT) -i $$(find src tests -name '*.[ch]')
