"""How often something may be tried. Counted by allauth, in a table: also when Redis is away."""

from allauth.core import ratelimit
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from .models import User


class TooManyAttempts(Throttled):
    """429 with Retry-After."""

    default_detail = "Too many attempts."
    extra_detail_singular = extra_detail_plural = "Wait five minutes, then try again."

    def __init__(self) -> None:
        super().__init__(wait=300)


def limit(
    request: HttpRequest, action: str, *, key: str | None = None, user: User | None = None
) -> None:
    """Count one attempt of an action of ACCOUNT_RATE_LIMITS.

    Raises:
        Throttled: there were too many.
    """
    if not ratelimit.consume(request, action=action, key=key, user=user):
        raise TooManyAttempts
