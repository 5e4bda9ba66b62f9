"""Django REST framework and the OpenAPI document."""

REST_FRAMEWORK = {
    # Token first: an anonymous call is then answered 401 with a WWW-Authenticate header, not 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "backend_django.api.pagination.PageNumberPagination",
    "DEFAULT_SCHEMA_CLASS": "backend_django.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "backend_django.api.problems.exception_handler",
    "NON_FIELD_ERRORS_KEY": "non_field_errors",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Rootstock",
    "DESCRIPTION": "Upload, watch, download. Every error is an RFC 9457 problem document.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "SERVERS": [{"url": "/api/v1"}],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "RequestStatus": "backend_django.processing.models.ProcessingRequest.Status",
        "RequestPhase": "backend_django.processing.models.ProcessingRequest.Phase",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "backend_django.api.schema.add_problem_responses",
    ],
}
