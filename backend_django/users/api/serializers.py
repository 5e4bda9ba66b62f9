"""Accounts over the wire: email and password in, never a user name."""

from datetime import timedelta
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.account.utils import url_str_to_user_pk
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from backend_django.api.serializers import TextField
from backend_django.audit.services import Outcome, event_record
from backend_django.utils.features import feature_names

from ..email_change import EmailChange, email_change_find
from ..models import ApiToken, Registration, User
from ..registration_keys import registration_find
from ..services import account_update
from ..sessions import device
from .confirm import OwnPasswordMixin, PasswordField

SecondStep: Any = import_string(settings.ACCOUNT_SECOND_STEP)

WRONG = gettext_lazy("The email address or the password is wrong.")
DEAD_LINK = gettext_lazy("This link was used before, or is too old. Ask for a new one.")


class DetailSerializer(serializers.Serializer[Any]):
    """A sentence about what happened."""

    detail = serializers.CharField()


class AddressField(serializers.EmailField):
    """An email address in lower case.

    ASCII only: a few foreign letters become ASCII ones in another case, so that one account would
    have several spellings, each with failures of its own.
    """

    def to_internal_value(self, data: Any) -> str:
        address = super().to_internal_value(data)
        if not address.isascii():
            self.fail("invalid")
        return address.lower()


def check_new_passwords(first: str, second: str, user: User, names: tuple[str, str]) -> None:
    """Raise ValidationError at the field when the two differ or are too easy to guess."""
    if first != second:
        raise ValidationError({names[1]: _("The two passwords are not the same.")})
    try:
        validate_password(first, user)
    except DjangoValidationError as error:
        raise ValidationError({names[0]: error.messages}) from error


def record_refusal(user: User, why: str) -> None:
    """Record that somebody knew the password and was not let in all the same."""
    event_record(event="sign_in", outcome=Outcome.FAILURE, actor=user, detail=why)


def check_confirmed(user: User) -> None:
    """Raise ValidationError for a user whose address has to be confirmed first."""
    if (
        app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY
        and not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists()
    ):
        record_refusal(user, "email not confirmed")
        raise ValidationError(
            _("Confirm your email address first: follow the link in the email we sent."),
            code="email_not_verified",
        )


class LoginSerializer(serializers.Serializer[Any]):
    """Address and password."""

    email = AddressField()
    password = PasswordField()
    token = serializers.BooleanField(
        required=False, help_text="False: only the session cookie, and an empty answer (204)."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        request = self.context["request"]._request
        # allauth's adapter counts failures; Django's `authenticate` alone would not.
        user = get_adapter().authenticate(request, email=attrs["email"], password=attrs["password"])
        if user is None or not user.is_active:
            raise ValidationError(WRONG)
        check_confirmed(user)
        return attrs | {"user": user}

    def record(self) -> None:
        """Note in the session how the user has signed in."""
        request, user = self.context["request"]._request, self.validated_data["user"]
        record_authentication(request, user, method="password", email=user.email)


class TokenKeySerializer(serializers.Serializer[Any]):
    """A token for scripts: `Authorization: Token <key>`."""

    key = serializers.CharField()


class RegisterSerializer(serializers.Serializer[Any]):
    """Email address, and the password twice."""

    email = AddressField(max_length=254)
    password1 = PasswordField()
    password2 = PasswordField()
    name = serializers.CharField(required=False, allow_blank=True, max_length=150)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = User(email=attrs["email"], name=attrs.get("name", ""))
        check_new_passwords(
            attrs["password1"], attrs["password2"], user, ("password1", "password2")
        )
        return attrs


class AddressSerializer(serializers.Serializer[Any]):
    email = AddressField()


class VerifyEmailSerializer(serializers.Serializer[Any]):
    """The key of the link in the mail."""

    key = serializers.CharField(max_length=200)

    def validate_key(self, key: str) -> Registration:
        registration = registration_find(key)
        if registration is None:
            raise ValidationError(DEAD_LINK, code="dead_link")
        return registration


class PasswordResetConfirmSerializer(serializers.Serializer[Any]):
    """The contents of a reset link, and the new password twice."""

    uid = serializers.CharField(max_length=20)
    token = serializers.CharField(max_length=100)
    new_password1 = PasswordField()
    new_password2 = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            user = User.objects.get(pk=url_str_to_user_pk(attrs["uid"]), is_active=True)
        except (User.DoesNotExist, ValueError, OverflowError, DjangoValidationError):
            user = None
        if user is None or not default_token_generator.check_token(user, attrs["token"]):
            raise ValidationError({"token": DEAD_LINK}, code="dead_link")
        check_new_passwords(
            attrs["new_password1"],
            attrs["new_password2"],
            user,
            ("new_password1", "new_password2"),
        )
        return attrs | {"user": user}


class PasswordChangeSerializer(OwnPasswordMixin, SecondStep):
    """The current password, and the new one twice."""

    old_password = PasswordField()
    new_password1 = PasswordField()
    new_password2 = PasswordField()

    def validate_old_password(self, password: str) -> str:
        return self.check_own_password(password)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_new_passwords(
            attrs["new_password1"],
            attrs["new_password2"],
            self.context["request"].user,
            ("new_password1", "new_password2"),
        )
        return super().validate(attrs)  # last: a code works once


class ConfirmSerializer(OwnPasswordMixin, SecondStep):
    """The password."""

    password = PasswordField()

    def validate_password(self, password: str) -> str:
        return self.check_own_password(password)


class EmailChangeSerializer(ConfirmSerializer):
    """The new email, and the password."""

    email = AddressField(max_length=254)

    def validate_email(self, email: str) -> str:
        if email == self.context["request"].user.email:
            raise ValidationError(_("This is your address already."))
        return email


class EmailChangeConfirmSerializer(serializers.Serializer[Any]):
    """The key of the link in the mail."""

    key = serializers.CharField(max_length=1000)

    def validate_key(self, key: str) -> EmailChange:
        change = email_change_find(key)
        if change is None:
            raise ValidationError(DEAD_LINK, code="dead_link")
        return change


class UserSerializer(serializers.ModelSerializer[User]):
    """The signed-in user."""

    name = TextField(required=False, allow_blank=True, max_length=150)
    language = serializers.ChoiceField(
        choices=settings.LANGUAGES,
        required=False,
        allow_blank=True,
        help_text="Of the app, errors and emails. Empty: the browser's.",
    )
    has_password = serializers.BooleanField(
        source="has_usable_password",
        read_only=True,
        help_text="False for who came by Google alone. `password/reset/` sends a link for one.",
    )

    class Meta:
        model = User
        fields = ["id", "email", "name", "language", "is_staff", "has_password"]
        read_only_fields = ["id", "email", "is_staff"]

    def update(self, instance: User, validated_data: dict[str, Any]) -> User:
        account_update(user=instance, **validated_data)
        return instance


class LinkSerializer(serializers.Serializer[Any]):
    """A page outside the app that the user may open."""

    name = serializers.CharField(
        read_only=True,
        help_text="`help`, `api_docs`, `admin`, `queues`, or a name that operators gave it.",
    )
    url = serializers.CharField(read_only=True)


class SessionSerializer(serializers.Serializer[Any]):
    """The user who is signed in, if any, and the ways to sign in."""

    user = UserSerializer(allow_null=True)
    links = LinkSerializer(many=True, read_only=True)
    registration_open = serializers.BooleanField(read_only=True)
    google_url = serializers.CharField(
        read_only=True, allow_null=True, help_text="Where to post a form to sign in with Google."
    )


class UserSessionSerializer(serializers.Serializer[Any]):
    """A browser, or a script, in which the user is signed in."""

    id = serializers.IntegerField(read_only=True)
    device = serializers.SerializerMethodField(help_text="“Firefox on Windows”.")
    ip_address = serializers.CharField(source="ip", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    last_seen_at = serializers.DateTimeField(read_only=True, help_text="To the minute.")
    is_current = serializers.SerializerMethodField(help_text="Whether it is the one that asks.")

    def get_device(self, session: UserSession) -> str:
        return device(session.user_agent)

    def get_is_current(self, session: UserSession) -> bool:
        return session.session_key == self.context["request"].session.session_key


class ApiTokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token, without its key."""

    name = TextField(max_length=60)
    kinds = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="The features that it opens, as in their URLs. Empty: whatever its owner may do.",
    )

    class Meta:
        model = ApiToken
        fields = [
            "id", "name", "hint", "scope", "kinds", "from_sign_in", "created_at", "expires_at",
            "last_used_at",
        ]  # fmt: skip
        read_only_fields = [name for name in fields if name != "name"]


class TokenCreateSerializer(SecondStep):
    """The name of a new token, what it may do, and for how long."""

    name = TextField(max_length=60)
    scope = serializers.ChoiceField(
        ApiToken.Scope.choices, default=ApiToken.Scope.WRITE, help_text="`read`: GET and HEAD only."
    )
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=100),
        default=[],
        max_length=100,
        help_text="The features that it opens, as in their URLs, and nothing else of the API. "
        "Empty: whatever you may do.",
    )
    expires_in_days = serializers.IntegerField(
        min_value=1,
        max_value=365,
        default=None,
        allow_null=True,
        help_text="Null: it does not expire.",
    )

    def validate_kinds(self, kinds: list[str]) -> list[str]:
        known = feature_names()
        for kind in kinds:
            if kind not in known:
                raise ValidationError(
                    _("Unknown kind “%(kind)s”. Use any of: %(known)s.")
                    % {"kind": kind, "known": ", ".join(known)}
                )
        return sorted(set(kinds))

    def validate_expires_in_days(self, days: int | None) -> int | None:
        """Refuse a token that would outlive the one that creates it."""
        token = self.context["request"].auth
        ends = token.expires_at if isinstance(token, ApiToken) else None
        if ends and (days is None or timezone.now() + timedelta(days=days) > ends):
            raise ValidationError(
                _(
                    "A token cannot create one that lasts longer than itself. Give fewer "
                    "days, or create it on the account page."
                )
            )
        return days


class NewApiTokenSerializer(ApiTokenSerializer):
    """A token with its key, which is shown this once."""

    key = serializers.CharField(read_only=True)

    class Meta(ApiTokenSerializer.Meta):
        fields = [*ApiTokenSerializer.Meta.fields, "key"]


def registration_is_open() -> bool:
    return settings.ACCOUNT_ALLOW_REGISTRATION
