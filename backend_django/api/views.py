"""What views over a table share."""

from typing import Any

from django.db.models import QuerySet

from backend_django.policies import ActsForOwner, check, visible


class OwnRows(ActsForOwner):
    """Before a generic view: rows that the caller may see. Somebody else's does not exist (404)."""

    kwargs: dict[str, Any]

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset()  # type: ignore[misc]
        user = self.request.user
        if not user.is_authenticated:  # the document is made without a caller
            return rows.none()
        if self.kwargs:  # the address names one
            return visible(rows, user)
        return rows.filter(owner=self.owner)

    def check_object_permissions(self, request: Any, obj: Any) -> None:
        super().check_object_permissions(request, obj)  # type: ignore[misc]
        check(request.user, self.action_wanted, obj)
