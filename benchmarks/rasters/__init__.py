"""The raster feature beside rio-cogeo and TiTiler."""
