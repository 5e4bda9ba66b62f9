"""Errors by Sentry's protocol: where in the code and in which trace, and nothing of a person.

What is logged as an error is reported, of calls and of jobs alike.
"""

import os
from typing import Any, cast

import sentry_sdk
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.types import Event, Hint

from backend_django.utils import logs
from backend_django.utils.logs import redact_output
from backend_django.utils.trace_id import trace_id

from . import configure

FLUSH_SECONDS = 2  # a receiver that is away holds up no stop for longer


def report_errors() -> None:
    """Report the errors of this process and of those it forks."""
    sentry_sdk.init(
        configure.SENTRY_DSN,
        environment=configure.SENTRY_ENVIRONMENT,
        release=os.environ.get("APP_COMMIT") or None,
        # It would lay something of its own around each response, and the server knows its files and
        # event streams by what they are. Errors of calls are logged, and so are reported anyway.
        disabled_integrations=[DjangoIntegration()],
        send_default_pii=False,
        include_local_variables=False,  # they hold what people have sent
        max_request_body_size="never",
        shutdown_timeout=FLUSH_SECONDS,
        before_send=prepare,
        before_breadcrumb=lambda breadcrumb, hint: None,
    )


def prepare(event: Event, hint: Hint) -> Event:
    """Name the call and the request as the log does, and leave out every secret."""
    tags = {"trace_id": trace_id.get(), "request_id": logs.request_id.get()}
    event["tags"] = {**event.get("tags", {}), **{key: tag for key, tag in tags.items() if tag}}
    request = event.get("request", {})
    for name in ("cookies", "data", "headers", "env"):
        request.pop(name, None)
    event.pop("user", None)
    return cast(Event, _redact(event))


def _redact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _redact(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(one) for one in value]
    return redact_output(value) if isinstance(value, str) else value
