"""/api/v1/rasters/: the engine's endpoints, the tiles, and what else belongs to a raster."""

from django.urls import include, re_path

from backend_django.processing.api.urls import ID, processing_urls

from ..processor import MosaicPipeline, RasterProcessor
from . import views
from .access import shared
from .tiles import shared_tile, tile

TOKEN = r"(?P<token>[A-Za-z0-9_~-]{20,200})"  # noqa: S105 (a pattern)
TILE = r"(?P<z>[0-9]{1,2})/(?P<x>[0-9]{1,8})/(?P<y>[0-9]{1,8})"
BOTH = {
    "preview": views.PreviewView,
    "stac": views.StacView,
    "tilejson": views.TileJsonView,
    "wmts": views.WmtsView,
    "point": views.PointView,
    "profile": views.ProfileView,
    "statistics": views.StatisticsView,
}

urlpatterns = [
    *processing_urls(RasterProcessor),
    re_path(r"^mosaics/", include(processing_urls(MosaicPipeline))),
    re_path(rf"^tiles/{ID}/{TILE}/?$", tile, name="raster-tile"),
    re_path(rf"^shared/{TOKEN}/tiles/{TILE}/?$", shared_tile),
    re_path(rf"^shared/{TOKEN}/?$", views.SharedResultView.as_view(), name="raster-shared"),
    re_path(rf"^shared/{TOKEN}/download-cog/?$", views.SharedDownloadView.as_view()),
    re_path(rf"^amend/{ID}/?$", views.AmendView.as_view()),
    re_path(rf"^describe/{ID}/?$", views.DescribeView.as_view()),
    re_path(r"^crs/?$", views.CrsView.as_view()),
    re_path(rf"^shares/{ID}/?$", views.SharesView.as_view()),
    re_path(rf"^shares/{ID}/{ID.replace('<id>', '<share>')}/?$", views.ShareView.as_view()),
    re_path(rf"^map-copy/{ID}/?$", views.MapCopyView.as_view()),
    *(re_path(rf"^{name}/{ID}/?$", view.as_view()) for name, view in BOTH.items()),
    *(
        re_path(rf"^shared/{TOKEN}/{name}/?$", shared(view).as_view())
        for name, view in BOTH.items()
    ),
]
