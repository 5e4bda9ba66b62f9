from backend_django.processing.api.urls import processing_urls

from ..processor import WordCount

urlpatterns = processing_urls(WordCount)
