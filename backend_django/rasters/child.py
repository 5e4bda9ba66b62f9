"""What the feature's child processes run: import it there, and nowhere else."""

import sys

# rasterio loads it for S3 when it finds it, which takes as long as everything else together. An
# upload is a file by now, and its process is to reach no network.
sys.modules["boto3"] = None  # type: ignore[assignment]

from .archive import write_archive  # noqa: E402
from .convert import convert_upload  # noqa: E402
from .mosaic import merge_rasters  # noqa: E402

__all__ = ["convert_upload", "merge_rasters", "write_archive"]
