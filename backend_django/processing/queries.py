"""The requests that a user may see, and how lists of them are searched."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from backend_django.policies import visible

from .models import ProcessingRequest
from .search import NAME_WORDS, words_query

Status = ProcessingRequest.Status
COUNTED = 10_000  # more is not counted where it would take longer than anybody wants to know it

# The id makes the order whole: a page must not repeat a row of the one before.
ORDERINGS = {
    "-created_at": ("-created_at", "-id"),
    "created_at": ("created_at", "id"),
    "name": ("name", "id"),
    "-name": ("-name", "-id"),
}


def requests_visible_to(user: Any) -> QuerySet[ProcessingRequest]:
    """Return the requests that a user may see and act on.

    Whatever shows, downloads or changes a request on behalf of a user starts from here; what may be
    done with it is for `policies.check` to say.

    Args:
        user: the user, or their id.
    """
    return visible(ProcessingRequest.objects.all(), user)


def requests_of(owner: Any) -> QuerySet[ProcessingRequest]:
    """Return the requests of one account: what lists have, and whose results its jobs may use."""
    return ProcessingRequest.objects.filter(owner=owner)


def filter_requests(
    rows: QuerySet[ProcessingRequest], conditions: Mapping[str, Any]
) -> QuerySet[ProcessingRequest]:
    """Return the rows that meet all conditions. Steps are not among them, but their pipelines.

    Args:
        conditions: any of `kind`, `status` (a list), `search`, `error_code`, `batch`, `parameter`
            (name and value), `created_after`, `created_before`, `finished_after`,
            `finished_before`. The earlier end of a range belongs to it, the later one does not.
    """
    conditions = {name: value for name, value in conditions.items() if value not in (None, "", [])}
    rows = rows.filter(parent=None)
    if "kind" in conditions:
        rows = rows.filter(kind=conditions["kind"])
    if "batch" in conditions:
        rows = rows.filter(batch=conditions["batch"])
    if "status" in conditions:
        rows = rows.filter(status__in=conditions["status"])
    if "error_code" in conditions:  # the status is for the index
        rows = rows.filter(error_code=conditions["error_code"], status=Status.FAILED)
    if "parameter" in conditions:
        rows = rows.filter(_has_parameter(*conditions["parameter"]))
    for column in ("created", "finished"):
        if after := conditions.get(f"{column}_after"):
            rows = rows.filter(**{f"{column}_at__gte": after})
        if before := conditions.get(f"{column}_before"):
            rows = rows.filter(**{f"{column}_at__lt": before})
    if "search" in conditions:
        rows = filter_by_words(rows, conditions["search"])
    return rows


def filter_by_words(rows: QuerySet[ProcessingRequest], text: str) -> QuerySet[ProcessingRequest]:
    """Return the rows whose names have, for each word of a text, one that begins with it."""
    return rows.alias(name_words=NAME_WORDS).filter(name_words=words_query(text))


def _has_parameter(name: str, value: str) -> Q:
    """Match a parameter by its text, or by the number, truth or null that the text is in JSON."""
    found = Q(parameters__contains={name: value})
    try:
        scalar = json.loads(value)
    except ValueError:
        return found
    is_plain = scalar is None or (isinstance(scalar, bool | int | float) and math.isfinite(scalar))
    return found | Q(parameters__contains={name: scalar}) if is_plain else found


def count_by_status(rows: QuerySet[ProcessingRequest]) -> dict[str, int]:
    """Return how many of the rows have which status, each up to `COUNTED`; one query."""
    parts: list[str] = []
    values: list[Any] = []
    for status in Status.values:
        some = rows.filter(status=status).order_by().values("status")[:COUNTED]
        statement, own = some.query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({statement}) AS counted)")  # noqa: S608 # nosec B608
        values += own
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)  # nosec B608
        return dict(zip(Status.values, cursor.fetchone(), strict=True))


def in_batches(
    rows: QuerySet[ProcessingRequest], ordering: str, size: int
) -> Iterator[list[ProcessingRequest]]:
    """Give all rows in an order, with a short query for each batch.

    Not with a cursor: that would hold a connection and a snapshot for as long as the client of a
    download takes. Rows that are added or renamed meanwhile may be missing.
    """
    column = ordering.removeprefix("-")
    side = "lt" if ordering.startswith("-") else "gt"
    rows = rows.order_by(*ORDERINGS[ordering])
    batch = list(rows[:size])
    while batch:
        yield batch
        if len(batch) < size:
            return
        last = batch[-1]
        value = getattr(last, column)
        rest = rows.filter(
            Q(**{f"{column}__{side}": value}) | Q(**{f"id__{side}": last.id}),
            **{f"{column}__{side}e": value},  # which an index can begin with
        )
        batch = list(rest[:size])
