"""Limits of the raster job. A deployment's memory and patience decide."""

import os

# Address space of a child: GDAL with its cache takes about 0.7 GB; the largest block is decoded
# twice over; every thread reserves some.
CACHE_MEGABYTES = 128
MEMORY_BYTES = (1280 + 96 * (os.cpu_count() or 1)) * 1024**2
INSPECT_SECONDS = 60

LIMITS = {
    "uncompressed": 32 * 1024**3,  # bytes; about 100,000 × 100,000 pixels in three bands
    "block": 128 * 1024**2,  # bytes
    "bands": 512,  # a hyperspectral cube has 200 to 450
    "seconds": 1800,  # of one core, as estimated (cost.py)
}

# Settings GDAL reads at its start. The drivers that are skipped open other files or the network;
# the ones that are needed are GTiff and COG.
CHILD_ENVIRONMENT = {
    "GDAL_CACHEMAX": str(CACHE_MEGABYTES),  # megabytes here, bytes in rasterio.Env()
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_SKIP": (
        "VRT WMS WMTS WCS GTI STACIT STACTA HTTP DAAS EEDA EEDAI PLMOSAIC GDALG MRF DERIVED"
    ),
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "4",
}
