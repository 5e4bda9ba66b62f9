"""The URL pattern of a feature's requests; the slash at the end is optional."""

from django.db import transaction
from django.urls import URLPattern, re_path

from backend_django.api.urls import ID
from backend_django.uploads.api.urls import upload_urls

from ..pipeline import Pipeline
from ..processor import Processor
from . import views
from .batches import BatchView
from .pipelines import StepsView


def processing_urls(processor: type[Processor]) -> list[URLPattern]:
    """Return the addresses of a kind: create, status, results and so on, and its downloads."""

    def bound(view: type[views.ProcessingView], **options: str):  # type: ignore[no-untyped-def]
        callback = view.as_view(processor=processor, **options)
        # Reads need no transaction; a create opens its own after the upload is stored.
        if view in (views.CancelView, views.RetryView, views.DeleteView):
            return callback
        return transaction.non_atomic_requests(callback)

    return [
        re_path(r"^create/?$", bound(views.CreateView)),
        re_path(r"^batch/?$", bound(BatchView)),
        *([re_path(r"^sample/?$", bound(views.SampleView))] if processor.sample else []),
        *(upload_urls(processor.name, processor.upload_limit) if processor.inputs else []),
        *step_urls(processor),
        re_path(r"^list/?$", bound(views.ListView)),
        re_path(rf"^status/{ID}/?$", bound(views.StatusView), name=f"{processor.name}-status"),
        re_path(rf"^results/{ID}/?$", bound(views.ResultsView), name=f"{processor.name}-results"),
        re_path(rf"^history/{ID}/?$", bound(views.HistoryView)),
        re_path(rf"^delete/{ID}/?$", bound(views.DeleteView)),
        re_path(rf"^cancel/{ID}/?$", bound(views.CancelView)),
        re_path(rf"^retry/{ID}/?$", bound(views.RetryView)),
        *(
            re_path(
                rf"^download-{key}/{ID}/?$",
                bound(views.DownloadView, key=key),
                name=f"{processor.name}-download-{key}",
            )
            for key in processor.downloads
        ),
    ]


def step_urls(processor: type[Processor]) -> list[URLPattern]:
    """Return the address of a pipeline's steps."""
    if not issubclass(processor, Pipeline):
        return []
    view = transaction.non_atomic_requests(StepsView.as_view(processor=processor))
    return [re_path(rf"^steps/{ID}/?$", view)]
