"""Everything below /api/v1/: accounts, version, and whatever features there are."""

from typing import Any

from django.apps import AppConfig, apps
from django.db import transaction
from django.urls import include, path, re_path
from django.utils.module_loading import module_has_submodule

from backend_django.api.docs import DocumentPage, DocumentView
from backend_django.live.api.views import EventStreamView
from backend_django.processing.api.any_kind import any_kind_urls
from backend_django.processing.api.bulk import bulk_urls
from backend_django.processing.api.requests import list_urls
from backend_django.processing.api.urls import processing_urls
from backend_django.processing.registry import all_processors
from backend_django.site_config.views import VersionInfoView, VersionView
from backend_django.uploads.api.usage import UsageView


def feature_urls(app: AppConfig) -> Any:
    """Return the addresses of a feature: its own, or those of its only job."""
    if module_has_submodule(app.module, "api"):
        return f"{app.name}.api.urls"
    jobs = [job for job in all_processors() if job.__module__.startswith(f"{app.name}.")]
    return processing_urls(jobs[0]) if len(jobs) == 1 else None


urlpatterns = [
    path("auth/", include("backend_django.users.api.urls")),
    re_path(
        r"^schema/?$", transaction.non_atomic_requests(DocumentView.as_view()), name="api-document"
    ),
    re_path(r"^docs/?$", DocumentPage.as_view(), name="api-docs"),
    re_path(r"^events/?$", transaction.non_atomic_requests(EventStreamView.as_view())),
    path("requests/", include([*list_urls(), *any_kind_urls(), *bulk_urls()])),
    re_path(r"^usage/?$", transaction.non_atomic_requests(UsageView.as_view())),
    re_path(r"^version/?$", transaction.non_atomic_requests(VersionView.as_view())),
    re_path(r"^version-info/?$", transaction.non_atomic_requests(VersionInfoView.as_view())),
    *(
        path(app.api_prefix, include(urls))
        for app in apps.get_app_configs()
        if hasattr(app, "api_prefix") and (urls := feature_urls(app))
    ),
]
