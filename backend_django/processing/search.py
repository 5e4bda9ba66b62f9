"""Search by the words of a name: PostgreSQL's full-text search, without a language.

Not by trigrams: their extension has to be created in every database, which the product's role may
not do everywhere (docs/decisions/0034).
"""

import re

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import F, Func, TextField, Value

# What separates words: "LC08_dunes-north.tif" has four. ASCII alone, which is the same in every
# locale, so that an index can be built on it; twice, once for PostgreSQL and once for Python.
NAME_WORDS = SearchVector(
    Func(
        F("name"),
        Value(r"[\x01-/:-@[-`{-\x7f]+"),
        Value(" "),
        Value("g"),
        function="regexp_replace",
        output_field=TextField(),
    ),
    config="simple",
)
_SEPARATORS = re.compile(r"[\x00-/:-@\[-`{-\x7f]+")


def words_query(text: str) -> SearchQuery:
    """Return a query for names that have, for each word of a text, one that begins with it."""
    words = [word for word in _SEPARATORS.split(text) if word]
    prefixes = " & ".join(f"'{word}':*" for word in words)
    return SearchQuery(prefixes, config="simple", search_type="raw")
