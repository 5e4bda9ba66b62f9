"""Applications, middleware, templates and URLs."""

from django.utils.translation import get_language_info

from backend_django.utils.features import find_features
from backend_django.utils.project import read_project

from ..environment import BACKEND, ROOT, env  # noqa: F401 (ROOT: for what needs a path)

DEBUG = False

PROJECT = read_project()

# What this deployment is called, in the page and in `/api/v1/version-info/`.
APP_ENVIRONMENT = env("APP_ENVIRONMENT", default="production")
# The commit that `/api/v1/version-info/` names; the image sets it.
APP_COMMIT = env("APP_COMMIT", default="")

INSTALLED_APPS = [
    "backend_django.users",
    "backend_django.mail",
    "backend_django.audit",
    "backend_django.site_config",
    "backend_django.api",
    "backend_django.live",
    "backend_django.uploads",
    "backend_django.processing",
    "backend_django.operations",
    "backend_django.pages",
    *find_features(),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "dj_rest_auth",
    "allauth",
    "allauth.account",
    "allauth.usersessions",  # which sessions there are, for their owner to end one
    "allauth.socialaccount",  # drf-spectacular and dj-rest-auth import it; Google is a provider
    "django_celery_beat",
]

MIDDLEWARE = [
    "backend_django.pages.middleware.BasePathMiddleware",  # above whatever looks at paths
    "backend_django.utils.trace_id.TraceIdMiddleware",
    "backend_django.utils.database_wait.DatabaseBudgetMiddleware",
    "backend_django.utils.probes.ProbeHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "backend_django.utils.headers.PoliciesMiddleware",
    "backend_django.pages.middleware.PageRootsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",  # below: files carry the headers as well
    "backend_django.users.languages.LanguageMiddleware",  # above what answers with sentences
    "backend_django.api.middleware.ApiMiddleware",
    "backend_django.users.sessions.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "backend_django.users.languages.SessionUserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "backend_django.audit.middleware.AuditMiddleware",
    "backend_django.users.sessions.SeenMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BACKEND / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "backend_django.config.urls"
WSGI_APPLICATION = "backend_django.config.wsgi.application"
ASGI_APPLICATION = "backend_django.config.asgi.application"

# A redirect to the address with a slash would lose the body of a POST: every URL takes both forms.
APPEND_SLASH = False

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Languages of the page, errors and emails. The first is used when neither account nor browser asks
# for another.
_languages = env.list("LANGUAGES", default=["en", "de"])
LANGUAGES = [(code, get_language_info(code)["name_local"]) for code in _languages]
LANGUAGE_CODE = LANGUAGES[0][0]
# The time zone of schedules and of times in the admin, such as Europe/Berlin.
TIME_ZONE = env("TIME_ZONE", default="UTC")
# Translations of what is no application; each of those has its own.
LOCALE_PATHS = [BACKEND / "locale", BACKEND / "files" / "locale", BACKEND / "utils" / "locale"]
USE_I18N = True
USE_TZ = True
