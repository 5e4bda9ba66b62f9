from backend_django.utils.features import FeatureConfig


class BookingsConfig(FeatureConfig):
    name = "backend_django.bookings"
