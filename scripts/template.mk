# Targets that only the template has; a project made from it does without this file.

.PHONY: new test-template test-feature chaos bench bench-quick

new: ## Turn this clone into your project: make new NAME="River Watch" WITHOUT="rasters s3"
	@$(if $(shell command -v "$(PYTHON)"),"$(PYTHON)",$(no_python)) -m scripts.new \
		$(call given,NAME,name) $(call given,SLUG,slug) \
		$(call given,DESCRIPTION,description) $(call given,AUTHOR,author) $(call given,EMAIL,email) $(call given,CONTACT,contact) \
		$(call given,LICENSE,license) $(call given,WITHOUT,without) \
		$(if $(KEEP_HISTORY),--keep-history)

test-template: ## Make projects without one, two and all modules and run their suites (long)
	@$(bootstrap) && exec $(VENV) -m pytest -m template tests/template $(ARGS)

test-feature: ## Make features of all kinds in a copy of the tree, and check everything there
	@$(bootstrap) && exec $(VENV) -m pytest -m feature tests/feature $(ARGS)

bench: ## Measure it beside what people would use instead (ARGS="polls tiles": parts of it)
	@$(bootstrap) && exec $(VENV) -m benchmarks $(ARGS)

bench-quick: ## Fail when calls, statements, a conversion or a tile cost more than before (two minutes)
	@$(bootstrap) && exec $(VENV) -m benchmarks.quick $(ARGS)

chaos: ## Break servers and processes at work, and count what is lost (CHAOS_SEED=7 for others)
	@$(bootstrap) --no-page && exec $(VENV) -m scripts.chaos $(ARGS)
