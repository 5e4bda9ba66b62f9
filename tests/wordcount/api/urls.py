from django.urls import include, path

from backend_django.processing.api.urls import processing_urls

from ..processor import (
    Copy,
    Digest,
    Fetch,
    Lines,
    Merge,
    Refresh,
    Report,
    ShortCount,
    Survey,
    WordCount,
)

urlpatterns = [
    *processing_urls(WordCount),
    path("short/", include(processing_urls(ShortCount))),
    path("copy/", include(processing_urls(Copy))),
    path("digest/", include(processing_urls(Digest))),
    path("fetch/", include(processing_urls(Fetch))),
    path("lines/", include(processing_urls(Lines))),
    path("merge/", include(processing_urls(Merge))),
    path("refresh/", include(processing_urls(Refresh))),
    path("survey/", include(processing_urls(Survey))),
    path("report/", include(processing_urls(Report))),
]
