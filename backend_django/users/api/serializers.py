"""Accounts over the wire: e-mail and password in, never a user name."""

from typing import Any

from allauth.account.adapter import get_adapter
from dj_rest_auth.registration.serializers import RegisterSerializer as BaseRegisterSerializer
from dj_rest_auth.serializers import LoginSerializer as BaseLoginSerializer
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers
from rest_framework.exceptions import Throttled

from ..models import User


class LoginSerializer(BaseLoginSerializer):
    """Through allauth's adapter, which counts failures; Django's `authenticate` alone would not."""

    username = None
    email = serializers.EmailField()
    password = serializers.CharField(trim_whitespace=False)

    def authenticate(self, **credentials: Any) -> User | None:
        credentials["email"] = credentials["email"].lower()
        try:
            return get_adapter().authenticate(self.context["request"]._request, **credentials)
        except DjangoValidationError as error:
            raise Throttled(detail="Too many failed attempts. Wait five minutes.") from error


class RegisterSerializer(BaseRegisterSerializer):
    """E-mail and password, twice."""

    username = None
    password1 = serializers.CharField(write_only=True, trim_whitespace=False)
    password2 = serializers.CharField(write_only=True, trim_whitespace=False)

    def validate_email(self, email: str) -> str:
        return super().validate_email(email.lower())


class UserSerializer(serializers.ModelSerializer[User]):
    """The signed-in user."""

    class Meta:
        model = User
        fields = ["id", "email", "name", "is_staff"]
        read_only_fields = ["id", "email", "is_staff"]


class SessionSerializer(serializers.Serializer[Any]):
    """Who is signed in, if anybody."""

    user = UserSerializer(allow_null=True)
