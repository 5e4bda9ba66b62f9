from backend_django.api.urls import crud_urls
from backend_django.uploads.api.urls import upload_urls

from . import views

urlpatterns = [
    *upload_urls("bookings"),
    *crud_urls(
        create=views.BookingCreateView,
        list=views.BookingListView,
        detail=views.BookingDetailView,
        update=views.BookingUpdateView,
        delete=views.BookingDeleteView,
    ),
    *crud_urls(
        "instruments/",
        create=views.InstrumentCreateView,
        list=views.InstrumentListView,
        detail=views.InstrumentDetailView,
        update=views.InstrumentUpdateView,
        delete=views.InstrumentDeleteView,
        download=views.InstrumentFileView,
        files=[
            "picture",
            "manual",
        ],
    ),
]
