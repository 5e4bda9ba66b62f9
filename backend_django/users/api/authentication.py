"""`Authorization: Token <key>`, as Django REST framework has it, with several keys per user."""

from datetime import timedelta
from functools import cache

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _  # translated by the exception handler
from rest_framework.authentication import TokenAuthentication as BaseTokenAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from backend_django.audit.services import refusal_record
from backend_django.utils.prepared import fetch_row

from ..languages import speak_to
from ..models import ApiToken, User

USE_IS_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseTokenAuthentication):
    """Look a token up by the hash of its key, check what it may do, and note that it was used."""

    _found: ApiToken | None = None

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the user and the token, or None without one.

        The scope is checked here and not as a permission: no view can leave it out.

        Raises:
            AuthenticationFailed: the token is unknown, or has expired.
            PermissionDenied: the token may only read, or is for other features.
        """
        try:
            authenticated: tuple[User, ApiToken] | None = super().authenticate(request)
            if authenticated:
                _check_scope(authenticated[1], request)
        except APIException as error:
            refusal_record(
                request=request._request,
                event="api_token",
                actor=self._found.user if self._found else None,
                target=f"{self._found.hint}… {self._found.name}" if self._found else "",
                detail=str(error.detail),
            )
            raise
        return authenticated

    def authenticate_credentials(self, key: str) -> tuple[User, ApiToken]:
        found = self._found = _find(ApiToken.digest_of(key))
        if found is None or not found.user.is_active:
            raise AuthenticationFailed(_("The token is not valid."))
        if found.expires_at and found.expires_at <= timezone.now():
            raise AuthenticationFailed(
                _("This token has expired. Create another one on the account page."),
                code="token_expired",
            )
        _note_use(found)
        speak_to(found.user)
        return found.user, found


def _check_scope(token: ApiToken, request: Request) -> None:
    roots = tuple(f"/api/v1/{kind}/" for kind in token.kinds)  # where features are mounted
    if roots and not request._request.path_info.startswith(roots):
        raise PermissionDenied(
            _(
                "This token opens only some features, and not this part of the API. Use another "
                "one: create it on the account page."
            ),
            code="token_of_other_kind",
        )
    if request.method not in SAFE_METHODS and token.scope != ApiToken.Scope.WRITE:
        raise PermissionDenied(
            _("This token may only read. Use one that may write: create it on the account page."),
            code="read_only_token",
        )


@cache
def _token_query() -> tuple[str, list[str], list[str]]:
    """Return the query and what its columns are of the token and of its user.

    Written once: composing it costs Django more than running it, at every call.
    """
    query = ApiToken.objects.select_related("user").filter(digest="").query
    own, of_user = (
        [field.attname for field in model._meta.concrete_fields] for model in (ApiToken, User)
    )
    return str(query.sql_with_params()[0]), own, of_user


def _find(digest: str) -> ApiToken | None:
    query, own, of_user = _token_query()
    row = fetch_row(query, [digest])
    if row is None:
        return None
    found = ApiToken.from_db(connection.alias, own, row[: len(own)])
    found.user = User.from_db(connection.alias, of_user, row[len(own) :])
    return found


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at and now - token.last_used_at < USE_IS_NOTED_EVERY:
        return
    # Skipped when another call of the same script holds the row: an upload holds it for long.
    free = ApiToken.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY), id=token.id
    )
    with transaction.atomic():  # some views have no transaction of their own
        ApiToken.objects.filter(id__in=free.values("id")).update(last_used_at=now)
