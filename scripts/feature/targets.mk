.PHONY: feature

feature: ## Write a new feature: make feature NAME=todos KIND=crud FIELDS="title:string" (jobs: INPUTS=files)
	@$(bootstrap) --no-build && exec $(VENV) -m scripts.feature $(call given,NAME,name) \
		$(call given,KIND,kind) $(call given,FIELDS,fields) $(call given,SERVICE,service) \
		$(call given,INPUTS,inputs)
