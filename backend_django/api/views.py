"""Shared by all views of a table."""

from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, QuerySet

from backend_django.policies import SAFE, Action, ActsForOwner, acting, check, is_seen_by_all


class OwnRows(ActsForOwner):
    """Before a generic view: rows that the caller may see. Somebody else's does not exist (404).

    Those of a model with `seen_by_all` do for whoever looks, and say whether the caller
    `may_change` them.
    """

    kwargs: dict[str, Any]

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset()  # type: ignore[misc]
        user = self.request.user
        if not user.is_authenticated:  # the document is made without a caller
            return rows.none()
        if is_seen_by_all(rows.model) and self.request.method in SAFE:
            may = ExpressionWrapper(acting(user, Action.EDIT), output_field=BooleanField())
            return rows.annotate(may_change=may)
        if self.kwargs:  # the address names one
            return rows.filter(acting(user, Action.VIEW))
        return rows.filter(owner=self.owner)

    def check_object_permissions(self, request: Any, obj: Any) -> None:
        super().check_object_permissions(request, obj)  # type: ignore[misc]
        check(request.user, self.action_wanted, obj)
