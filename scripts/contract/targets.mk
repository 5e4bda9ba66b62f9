.PHONY: publish-schema

publish-schema: ## Publish the API's document, and a typed client (TO=folder)
	@$(bootstrap) --no-build && exec $(VENV) -m scripts.contract.publish $(call given,TO,to)
