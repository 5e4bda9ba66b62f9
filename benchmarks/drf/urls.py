import os
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from rest_framework import generics, serializers

from .models import Job


class JobSerializer(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        exclude = ["owner"]


class JobView(generics.RetrieveAPIView[Job]):
    serializer_class = JobSerializer

    def get_queryset(self):  # type: ignore[no-untyped-def]
        return Job.objects.filter(owner=self.request.user)


def constant(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "completed", "progress": 100})


PAGE = Path(os.environ["BENCH_DRF_PAGE"]).read_text(encoding="utf-8")


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


urlpatterns = [
    path("status/<uuid:pk>/", JobView.as_view()),
    path("constant/", constant),
    path("page/", page),
]
