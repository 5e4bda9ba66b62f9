.PHONY: test-rasters
test-rasters: ## Convert rasters of all kinds and compare with GDAL, PROJ and rio-tiler, at length
	@$(bootstrap) --no-page && exec $(VENV) -m pytest -m "matrix or not slow" -n auto \
		--timeout 1200 backend_django/rasters $(ARGS)
