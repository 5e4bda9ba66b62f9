"""Make the places that the map names, from Natural Earth's populated places (public domain):

.venv/bin/python -m backend_django.rasters.samples.make_places ne_10m_populated_places.geojson

Columns: the zoom at which a place is first named, longitude, latitude, 1 for a capital, and its
name in each language of the page; empty where it is the English one. The most important are first.
"""

import csv
import json
import sys
from pathlib import Path

from scripts.environment import FRONTEND

TARGET = FRONTEND / "src" / "features" / "rasters" / "places.tsv"
LANGUAGES = ("en", "de")
# Its names are those that Wikidata had in 2018: one is that of a prefecture, one was changed since.
MISNAMED = {"Präfektur Tokio": "Tokio", "Kiev": "Kyiv"}


def main(source: str) -> None:
    places = [
        feature["properties"] for feature in json.loads(Path(source).read_bytes())["features"]
    ]
    rows = []
    for place in sorted(places, key=lambda one: (one["min_zoom"], -one["POP_MAX"], one["NAME"])):
        names = [place[f"NAME_{language.upper()}"] or "" for language in LANGUAGES]
        names = [MISNAMED.get(name, name) for name in names]
        first, *others = [names[0] or place["NAME"], *names[1:]]
        where = round(place["LONGITUDE"], 3), round(place["LATITUDE"], 3)
        capital = "1" if place["FEATURECLA"] == "Admin-0 capital" else ""
        others = ["" if name == first else name for name in others]
        rows.append([place["min_zoom"], *where, capital, first, *others])
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, lineterminator="\n")
        writer.writerows([["zoom", "longitude", "latitude", "capital", *LANGUAGES], *rows])


if __name__ == "__main__":
    main(sys.argv[1])
