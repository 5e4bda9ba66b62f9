"""All addresses: files and health, admin, API, and the page for everything else."""

from collections.abc import Callable

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.contrib.contenttypes.views import shortcut
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from backend_django.api import problems
from backend_django.live.api.views import EventStreamView
from backend_django.operations.views import health_full, metrics, queues
from backend_django.pages.views import page
from backend_django.site_config.views import health_live, health_ready, security_txt
from backend_django.utils.features import find_modules
from backend_django.utils.site import page_path

# The admin's own form would know nothing of what else is asked at sign-in.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = settings.PROJECT.name


@csrf_exempt  # "there is nothing here" needs no permission, and 403 would be the wrong hint
def unknown(request: HttpRequest, **_: str) -> HttpResponse:
    return problems.not_found(request)


def view_on_site(request: HttpRequest, **which: str) -> HttpResponse:
    """Say that there is no such row where Django's view fails on an id that is no UUID."""
    try:
        return shortcut(request, **which)
    except ValidationError:
        return problems.not_found(request)


@require_safe
def own_password(request: HttpRequest, **_: str) -> HttpResponse:
    """Lead to the account page, which asks for more than the admin's form for one's password."""
    return HttpResponseRedirect(page_path("/account"))


def plain(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """No transaction around the view: it must answer when the database does not."""
    return transaction.non_atomic_requests(view)


urlpatterns = [
    path("api/v1/", include("backend_django.config.api_router")),  # first: it is asked the most
    re_path(r"^health/live/?$", plain(health_live)),
    re_path(r"^health/ready/?$", plain(health_ready)),
    re_path(r"^health/full/?$", plain(health_full)),
    re_path(r"^metrics/?$", plain(metrics)),
    re_path(r"^\.well-known/security\.txt$", plain(security_txt)),
    path(
        f"{settings.ADMIN_URL}r/<path:content_type_id>/<path:object_id>/",
        admin.site.admin_view(view_on_site),
    ),
    path(f"{settings.ADMIN_URL}password_change/", admin.site.admin_view(own_password)),
    path(f"{settings.ADMIN_URL}queues/", admin.site.admin_view(queues), name="queues"),
    path(settings.ADMIN_URL, admin.site.urls),
    path("accounts/", include("backend_django.users.urls")),
    *(path("accounts/", include(urls)) for urls in find_modules("account_urls")),
    re_path(r"^events/?$", plain(EventStreamView.as_view())),
    # A missing file or endpoint is a 404, not the page: a stale script tag would parse HTML.
    re_path(r"^(?:api|static|media|accounts|health|assets)(?:/.*)?$", plain(unknown)),
    # Nor has a file of a server a page: /.env, /.git/config.
    re_path(r"^(?:.*/)?\.", plain(unknown)),
    re_path(r"^.*\.(?:js|css|map|json|txt|xml|ico|png|php)$", plain(unknown)),
    re_path(r"^.*$", plain(page)),
]

handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error
