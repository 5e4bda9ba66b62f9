"""The language of responses: the account's, else the browser's, else the first of LANGUAGES."""

from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from .models import User

# What may have sentences in it. Tiles, files and tables are the same for everybody.
WITH_SENTENCES = ("application/json", "application/problem+json", "text/html", "text/plain")


class LanguageMiddleware(LocaleMiddleware):
    """Speak the browser's language until the account is known, and name the one that was spoken."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        depends = response.headers.get("Content-Type", "").startswith(WITH_SENTENCES)
        unchanged = response.status_code == 304
        if getattr(response, "same_in_all_languages", False) or not (depends or unchanged):
            return response
        return super().process_response(request, response)


class SessionUserMiddleware(AuthenticationMiddleware):
    """Look the user of the session up when a view asks for it, and speak their language then."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: speak_to(get_user(request)))  # type: ignore[assignment]


def speak_to(user: Any) -> Any:
    """Answer in the language of an account from here on, if it has one; return the user."""
    if language := _if_supported(getattr(user, "language", "")):
        translation.activate(language)
    return user


def browser_language_note(*, request: HttpRequest, user: User) -> None:
    """Keep what the browser asks for, so that emails of a worker can be written in it."""
    language = getattr(request, "LANGUAGE_CODE", settings.LANGUAGE_CODE)
    if language != (user.browser_language or settings.LANGUAGE_CODE):
        User.objects.filter(pk=user.pk).update(browser_language=language)


def language_of(user_id: Any) -> str:
    """Return the language for what a user is told without a call of theirs."""
    users = User.objects.filter(pk=user_id)
    chosen, browser = users.values_list("language", "browser_language").first() or ("", "")
    return _if_supported(chosen) or _if_supported(browser) or settings.LANGUAGE_CODE


def _if_supported(language: str) -> str:
    return language if language in dict(settings.LANGUAGES) else ""
