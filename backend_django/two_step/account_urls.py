"""Below accounts/: the code in the middle of a sign-in with Google."""

from typing import Any

from allauth.mfa.base.views import AuthenticateView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from backend_django.audit.services import Outcome, event_record
from backend_django.users.urls import redirect_to_page, view_at
from backend_django.utils.site import page_path

from .services import is_blocked


class CodeView(AuthenticateView):
    """Asked for by the page, checked here."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(page_path("/login/code"))

    def form_invalid(self, form: Any) -> HttpResponse:
        often = is_blocked(form)
        outcome = Outcome.BLOCKED if often else Outcome.FAILURE
        event_record(event="second_step", outcome=outcome, actor=form.user)
        wrong = "passkey" if "credential" in form.fields else "wrong"
        return HttpResponseRedirect(page_path(f"/login/code?why={'often' if often else wrong}"))


urlpatterns = [
    redirect_to_page("2fa", "/account", "mfa_index"),
    view_at("2fa/authenticate", CodeView.as_view(), "mfa_authenticate"),
]
