"""What views over a table share."""

from typing import Any

from django.db.models import QuerySet


class OwnRows:
    """Before a generic view: the caller's own rows. Somebody else's does not exist (404)."""

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset()  # type: ignore[misc]
        user = self.request.user  # type: ignore[attr-defined]
        if not user.is_authenticated:  # the document is made without a caller
            return rows.none()
        return rows.filter(owner=user)
