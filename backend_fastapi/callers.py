"""The caller, for the functions that respond."""

from typing import Annotated, cast

from django.utils.translation import gettext as _
from fastapi import Depends, Request
from rest_framework.exceptions import ErrorDetail, ValidationError

from .gate import Caller


def current_caller(request: Request) -> Caller:
    """Return whom the gate has let in.

    Raises:
        ValidationError: there are query parameters; nothing here reads any.
    """
    if request.query_params:
        raise ValidationError({
            name: [ErrorDetail(
                _("There is no such parameter. Known: %(names)s.") % {"names": _("none")},
                "unknown_parameter",
            )]
            for name in request.query_params
        })  # fmt: skip
    return cast(Caller, request.state.caller)


CurrentCaller = Annotated[Caller, Depends(current_caller)]
