"""The meaning of bands in STAC's words (red, nir, …), never by their position alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Wavelengths in micrometres, as STAC's eo extension has them.
_WAVELENGTHS = {
    "coastal": (0.40, 0.45), "blue": (0.45, 0.52), "green": (0.52, 0.60), "yellow": (0.60, 0.625),
    "red": (0.625, 0.69), "rededge": (0.69, 0.76), "nir": (0.76, 0.90), "nir08": (0.855, 0.875),
    "nir09": (0.90, 1.0), "swir16": (1.55, 1.75), "swir22": (2.08, 2.35),
}  # fmt: skip
_MIDDLES = {"red": 0.65, "green": 0.56, "blue": 0.48, "nir": 0.84}
_WORDS = {
    "coastal": "coastal|coastal ?blue|aerosol|coastal ?aerosol",
    "blue": "blue|bleu|blau|azul|b",
    "green": "green|vert|grün|gruen|verde|g",
    "red": "red|rouge|rot|rojo|r",
    "rededge": "red ?edge ?[0-9]?",
    "nir": "nir|nir ?1|near ?infra ?red|nir ?broad|n",
    "pan": "pan|panchromatic",
    "swir16": "swir ?1|swir16|short ?wave ?infra ?red ?1",
    "swir22": "swir ?2|swir22|short ?wave ?infra ?red ?2",
}
_NUMBERS = {  # by what bands are called
    "sentinel-2": {
        "1": "coastal", "2": "blue", "3": "green", "4": "red", "5": "rededge", "6": "rededge",
        "7": "rededge", "8": "nir", "8a": "nir08", "9": "nir09", "11": "swir16", "12": "swir22",
    },
    "landsat-8": {
        "1": "coastal", "2": "blue", "3": "green", "4": "red", "5": "nir", "6": "swir16",
        "7": "swir22", "8": "pan",
    },
    "landsat-5": {"1": "blue", "2": "green", "3": "red", "4": "nir", "5": "swir16", "7": "swir22"},
}  # fmt: skip
_SENSORS = {  # by the names of their files
    "landsat-8": r"^l[cot]0?[89]|landsat.?[89]",
    "landsat-5": r"^l[te]0?[457]|landsat.?[457]",
    "sentinel-2": r"s2[abc]_|sentinel.?2|^t[0-9]{2}[a-z]{3}_",
}
_ORDERS = (  # by the names that providers give their files, and the number of bands
    (
        r"analyticms.*_8b|_8b_",
        ["coastal", "blue", "", "green", "yellow", "red", "rededge", "nir"],
    ),
    (r"analyticms|analytic_|psscene|planetscope", ["blue", "green", "red", "nir"]),
    (r"rapideye|_re_|reorthotile", ["blue", "green", "red", "rededge", "nir"]),
    (r"naip|^m_\d{7}", ["red", "green", "blue", "nir"]),
)  # fmt: skip


@dataclass(frozen=True)
class BandFacts:
    """The metadata of a band in a file."""

    description: str = ""
    interpretation: str = ""  # of its colour, GDAL's word
    wavelength: float | None = None  # micrometres


def common_names(bands: Sequence[BandFacts], file_name: str = "") -> list[str]:
    """Return what each band is; "" where nothing says it."""
    spoken = [_word(band.description) for band in bands]
    numbers = [_number(band.description) for band in bands]
    sensor = _sensor(bands, numbers, file_name)
    order = next(
        (
            names
            for pattern, names in _ORDERS
            if re.search(pattern, file_name.lower()) and len(names) == len(bands)
        ),
        [""] * len(bands),
    )
    found = []
    for band, word, number, placed in zip(bands, spoken, numbers, order, strict=True):
        interpretation = band.interpretation if band.interpretation in _WORDS else ""
        found.append(
            word
            or _NUMBERS.get(sensor, {}).get(number, "")
            or _by_wavelength(band.wavelength or _nanometres(band.description))
            or interpretation
            or (placed if band.interpretation != "alpha" else "")
        )
    return _one_of_each(found, bands)


def _word(text: str) -> str:
    """Return the colour a description names, alone or beside other words."""
    plain = re.sub(r"[_\-.:/()]+", " ", text.strip().lower())
    for name, words in _WORDS.items():
        if re.fullmatch(words, plain):
            return name
    for name in ("coastal", "rededge", "swir16", "swir22", "nir", "blue", "green", "red", "pan"):
        long = "|".join(word for word in _WORDS[name].split("|") if len(word) > 1)
        if re.search(rf"(^| )({long})( |$)", plain):
            return name
    return ""


def _number(text: str) -> str:
    """Return the number that sensors' bands are called by: "B04" and "SR_B4" are "4"."""
    found = re.fullmatch(
        r"(?:.*[_ ])?(?:b|band ?)0*([0-9]{1,2}a?)(?:[_ ].*)?", text.strip().lower()
    )
    return found[1] if found else ""


def _sensor(bands: Sequence[BandFacts], numbers: Sequence[str], file_name: str) -> str:
    """Return whose numbers those of the bands are; "" where they only count positions."""
    known, name = set(numbers), file_name.lower()
    for sensor, pattern in _SENSORS.items():
        if re.search(pattern, name):
            return sensor
    if known & {"8a", "11", "12"}:
        return "sentinel-2"
    counted = [str(position) for position in range(1, len(bands) + 1)]
    codes = any(re.search("(^|_)(sr_b|b0)[0-9]", band.description.lower()) for band in bands)
    if not codes and list(numbers) == counted:
        return ""
    if "7" in known and "6" not in known:
        return "landsat-5"
    # Bands 2, 3 and 4 are blue, green and red of both; what is farther off differs.
    return "landsat-8" if {"2", "3", "4"} <= known else ""


def _nanometres(text: str) -> float | None:
    found = re.search(r"([0-9]{3,4}(?:\.[0-9]+)?) ?(nm|nanomet)", text.lower())
    if found:
        return float(found[1]) / 1000
    found = re.search(r"([0-9]\.[0-9]+) ?(µm|um|micromet)", text.lower())
    return float(found[1]) if found else None


def _by_wavelength(wavelength: float | None) -> str:
    if wavelength is None:
        return ""
    return next(
        (name for name, (low, high) in _WAVELENGTHS.items() if low <= wavelength < high), ""
    )


def _one_of_each(names: list[str], bands: Sequence[BandFacts]) -> list[str]:
    """Of the many bands of one colour that a cube has, leave the one in its middle its name."""
    kept = list(names)
    for colour, middle in _MIDDLES.items():
        lengths = {
            index: bands[index].wavelength or _nanometres(bands[index].description) or 0.0
            for index, name in enumerate(names)
            if name == colour
        }
        if len(lengths) > 1 and all(lengths.values()):
            best = min(lengths, key=lambda index: abs(lengths[index] - middle))
            for index in lengths:
                kept[index] = colour if index == best else ""
    return kept
