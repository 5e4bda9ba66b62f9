"""The API: limits, documentation and Django REST framework."""

from django.core.exceptions import ImproperlyConfigured

from ..environment import BACKEND, env
from .base_path import BASE_PATH

# A page that watches its requests asks every two seconds.
API_RATES = {
    # Calls of one signed-in user, as calls/period.
    "user": env("API_RATE_USER", default="1200/minute"),
    # Calls from one IP address without a sign-in, or with bad credentials.
    "address": env("API_RATE_ADDRESS", default="300/minute"),
    # Event streams that one user opens.
    "streams": env("API_RATE_STREAMS", default="6000/minute"),
    # Tiles for one user, or for one IP address with a link: a map loads dozens at once.
    "tiles": env("API_RATE_TILES", default="6000/minute"),
}
# Proxies in front that append to X-Forwarded-For. With 0, the IP address of the connection counts.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# Who may read the API documentation: `signed-in` users, those signed in with `google`, or `staff`.
API_DOCS_FOR = env("API_DOCS_FOR", default="signed-in")
if API_DOCS_FOR not in {"signed-in", "google", "staff"}:
    raise ImproperlyConfigured(
        f"API_DOCS_FOR is “{API_DOCS_FOR}”. Use one of signed-in, google, staff."
    )
# Limits that to users whose confirmed email is in one of these domains.
API_DOCS_DOMAINS = [name.lower() for name in env.list("API_DOCS_DOMAINS", default=[])]

REST_FRAMEWORK = {
    # Token first: an anonymous call is then answered 401 with a WWW-Authenticate header, not 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "backend_django.users.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["backend_django.api.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": [
        "backend_django.api.throttling.UserThrottle",
        "backend_django.api.throttling.AddressThrottle",
    ],
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is a 405: the document says what there is
    "DEFAULT_PAGINATION_CLASS": "backend_django.api.pagination.PageNumberPagination",
    "DEFAULT_SCHEMA_CLASS": "backend_django.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "backend_django.api.problems.exception_handler",
    "NON_FIELD_ERRORS_KEY": "non_field_errors",
    "URL_FORMAT_OVERRIDE": None,  # no address reads ?format=
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "API",  # in the committed document; what is served says the project's name
    "DESCRIPTION": "Upload, watch, download. Every error is an RFC 9457 problem document.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # What it was made from: scripts/install.py sees when a folder has come or gone since.
    "EXTENSIONS_ROOT": {
        "x-folders": sorted(path.parts[-3] for path in BACKEND.glob("*/api/urls.py"))
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False},
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "SERVERS": [{"url": f"{BASE_PATH}/api/v1"}],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "TokenScope": "backend_django.users.models.ApiToken.Scope",
        "RequestStatus": "backend_django.processing.models.ProcessingRequest.Status",
        "RequestPhase": "backend_django.processing.models.ProcessingRequest.Phase",
    },
    "POSTPROCESSING_HOOKS": [
        "backend_django.api.schema.tell_choices_apart",
        "drf_spectacular.hooks.postprocess_schema_enums",
        "backend_django.api.schema.add_problem_responses",
        "backend_django.api.schema.close_request_bodies",
        "backend_django.api.schema.link_created",
    ],
}
