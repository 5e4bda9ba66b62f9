"""Somebody's raster, for the tests that ask every address as everybody (tests/security)."""

from backend_django.processing.models import ProcessingRequest
from backend_django.rasters import services
from backend_django.users.models import User

QUERIES = {"point": "longitude=9&latitude=47", "profile": "line=9,46.9;9.1,46.9", "crs": "q=utm"}
ACCESS = {"GET /rasters/crs/": "own"}  # it tells whoever is signed in what EPSG has
MANAGED = ["POST /rasters/shares/{id}/", "DELETE /rasters/shares/{id}/{share}/"]
BAND = {"index": 1, "dtype": "uint8", "color_interpretation": "gray"}
RESULT = {  # enough for a tile beside the raster
    "data": {"bounds": [9, 46, 10, 47], "bands": [BAND]},
    "files": {"cog": {"name": "requests/none/1/cog"}},
}


def make_objects(owner: User) -> dict[str, str]:
    """Return the parameters of the addresses of a pending raster that is shared."""
    request = ProcessingRequest.objects.create(
        kind="rasters", name="a", owner=owner, input_file="x", input_name="a.tif", input_size=1
    )
    share, token = services.share_create(request=request, days=7, allow_download=True)
    tile = dict.fromkeys("zxy", "1")
    return {"id": str(request.id), "share": str(share.id), "token": token, **tile}
