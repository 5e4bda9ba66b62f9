"""Units of length, by the names that programs give those of heights."""

_METRES = {
    ("m", "metre", "metres", "meter", "meters"): 1.0,
    ("km", "kilometre", "kilometres", "kilometer", "kilometers"): 1000.0,
    ("dm", "decimetre", "decimetres", "decimeter", "decimeters"): 0.1,
    ("cm", "centimetre", "centimetres", "centimeter", "centimeters"): 0.01,
    ("mm", "millimetre", "millimetres", "millimeter", "millimeters"): 0.001,
    ("ft", "foot", "feet", "foot (international)", "international foot"): 0.3048,
    ("us survey foot", "us survey feet", "us-ft", "ftus", "sft", "foot us", "us foot"): 1200 / 3937,
    ("yd", "yard", "yards"): 0.9144,
    ("in", "inch", "inches"): 0.0254,
    ("fath", "fathom", "fathoms"): 1.8288,
}
_BY_NAME = {name: metres for names, metres in _METRES.items() for name in names}


def metres_of(unit: str) -> float | None:
    """Return how many metres a unit is; None where it is not known for a length."""
    name = unit.strip().strip("[]").replace("_", " ").lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    from pyproj.database import get_units_map  # a quarter of a second, for what is seldom met

    # Names of EPSG, which GDAL writes from a vertical CRS; PROJ's own decimetre is a centimetre.
    known = get_units_map("EPSG", "linear")
    return next((one.conv_factor for one in known.values() if one.name.lower() == name), None)
