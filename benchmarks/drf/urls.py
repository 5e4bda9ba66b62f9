import os
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .models import Job
from .tasks import count_words


class JobSerializer(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        exclude = ["owner", "upload", "words"]


class JobView(generics.RetrieveAPIView[Job]):
    serializer_class = JobSerializer

    def get_queryset(self):  # type: ignore[no-untyped-def]
        return Job.objects.filter(owner=self.request.user)


class CreateView(APIView):
    def post(self, request: Request) -> Response:
        """Keep the upload and its row; a worker counts the words."""
        upload = request.FILES["file"]
        job = Job.objects.create(
            owner=request.user, upload=upload, input_name=upload.name, input_size=upload.size,
            status="pending", created_at=timezone.now(),
        )  # fmt: skip
        count_words.delay(str(job.pk))
        return Response(JobSerializer(job).data, status=201)


def constant(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "completed", "progress": 100})


PAGE = Path(os.environ["BENCH_DRF_PAGE"]).read_text(encoding="utf-8")


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


urlpatterns = [
    path("status/<uuid:pk>/", JobView.as_view()),
    path("create/", CreateView.as_view()),
    path("constant/", constant),
    path("page/", page),
]
