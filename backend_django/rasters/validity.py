"""Which pixels of an upload are valid in the product: the one place that says it.

As GDAL has it when it reads the product: a mask says it where there is one, else nodata, else
opacity. A mask stays whatever options are chosen; the band of opacity may be left out, or moved to
a place where it is a band like any other.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

Values = NDArray[Any]


class Validity:
    """What says which pixels of an upload are valid, with the options applied."""

    def __init__(
        self, dataset: Any, bands: Sequence[int] = (), nodata: tuple[Any] | None = None
    ) -> None:
        """Find it.

        Args:
            bands: that are chosen; () is all.
            nodata: the value to take for missing instead of the file's, None for no value.
        """
        flags, last = dataset.mask_flag_enums[0], (bands or dataset.indexes)[-1]
        self._dataset = dataset
        self._has_mask = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
        self._has_own_nodata = nodata is None and MaskFlags.nodata in flags
        self._nodata = nodata[0] if nodata else None
        is_opacity = (  # GDAL takes no other for it
            len(bands or dataset.indexes) in (2, 4)
            and dataset.colorinterp[last - 1] == ColorInterp.alpha
            and dataset.dtypes[0] in ("uint8", "uint16")
        )
        by_value = self._has_mask or self._has_own_nodata or self._nodata is not None
        self._opacity = last if is_opacity and not by_value else None

    @property
    def is_drawn(self) -> bool:
        """Whether pixels of their own say it, not the values."""
        return self._has_mask or self._opacity is not None

    def valid(self, index: int, window: Window, values: Values) -> NDArray[np.bool_] | None:
        """Return which values of a band are valid; None where all are."""
        if self._has_mask or self._has_own_nodata:
            valid = self._dataset.read_masks(index, window=window) > 0
        elif self._nodata is not None:
            missing = missing_pixels(values, self._nodata)
            return None if missing is None else ~missing
        elif self._opacity not in (None, index):
            valid = self._dataset.read(self._opacity, window=window) > 0
        else:
            return None
        return None if valid.all() else valid


def missing_pixels(values: Values, nodata: float) -> NDArray[np.bool_] | None:
    """Return which values are nodata to GDAL, which is not exact about it; None where none are."""
    if nodata != nodata:
        missing = np.isnan(values)
    else:
        with np.errstate(over="ignore"):
            known = np.array(nodata).astype(values.dtype)
        missing = values == known
        if values.dtype.kind == "f":
            with np.errstate(over="ignore", invalid="ignore"):
                room = np.abs(values + known) * (2 * np.finfo(np.float32).eps)
                missing |= np.abs(values - known) < room
    return missing if missing.any() else None
