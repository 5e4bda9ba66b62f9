"""Models beside a raster's result: links for guests, and the map copy."""

from uuid import uuid4

from django.db import models

from backend_django.processing.models import ProcessingRequest


class RasterShare(models.Model):
    """A link that shows one raster to whoever has it, until it expires or is revoked (deleted)."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request = models.ForeignKey(
        ProcessingRequest, on_delete=models.CASCADE, related_name="raster_shares"
    )
    note = models.CharField(max_length=100, blank=True, help_text="Whom it is for.")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256; not the token.")
    allow_download = models.BooleanField(default=False)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"share of {self.request_id} until {self.expires_at:%Y-%m-%d}"


class RasterMapCopy(models.Model):
    """The request that draws, or has drawn, all tiles of a raster in advance."""

    raster = models.OneToOneField(
        ProcessingRequest, on_delete=models.CASCADE, related_name="raster_map_copy"
    )
    job = models.OneToOneField(
        ProcessingRequest, on_delete=models.CASCADE, related_name="raster_map_copy_of"
    )

    class Meta:
        verbose_name_plural = "raster map copies"

    def __str__(self) -> str:
        return f"map copy of {self.raster_id}"
