"""Another email for an account."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import signing
from django.core.mail import EmailMessage

from backend_django.audit.models import AuditEvent
from backend_django.users.models import User

from .conftest import NEW, PASSWORD, PostOffice, Visitor, link_in

EMAIL = "ada@new.example.org"


def ask(visitor: Visitor, email: str = EMAIL, password: str = PASSWORD) -> Any:
    return visitor.call("email/change", email=email, password=password)


def key_for(email: str, mails: list[EmailMessage]) -> str:
    (mail,) = [mail for mail in mails if mail.to == [email]]
    return link_in(mail).removeprefix("/confirm-address/")


def confirm(key: str) -> Any:
    """Follow the link in a browser that is not signed in."""
    return Visitor().call("email/change/confirm", key=key)


def test_another_email_counts_once_its_link_was_followed(
    signed_in: Visitor, ada: User, post_office: PostOffice
) -> None:
    assert ask(signed_in, "Ada@New.example.org").status_code == 200
    mails = post_office()
    assert {mail.to[0] for mail in mails} == {"ada@example.org", EMAIL}
    assert Visitor().sign_in(email=EMAIL).status_code == 400, "nothing is proved yet"
    key = key_for(EMAIL, mails)
    assert confirm(key).status_code == 200
    (told,) = post_office()
    assert (told.to, told.subject) == (["ada@example.org"], "Your email address was changed")
    assert Visitor().sign_in(email=EMAIL).status_code == 200
    assert Visitor().sign_in().status_code == 400
    assert signed_in.look("user").json()["email"] == EMAIL
    (address,) = EmailAddress.objects.filter(user=ada)
    assert (address.email, address.verified, address.primary) == (EMAIL, True, True)
    assert AuditEvent.objects.filter(event="email_changed", target=EMAIL).exists()
    assert confirm(key).json()["errors"][0]["code"] == "dead_link", "it works once"


def test_google_knows_the_account_by_its_new_email_alone(
    signed_in: Visitor, ada: User, post_office: PostOffice
) -> None:
    """Else the former mailbox, of an employer perhaps, would still open the account."""
    SocialAccount.objects.create(user=ada, provider="google", uid="123")
    ask(signed_in)
    assert SocialAccount.objects.exists()
    assert confirm(key_for(EMAIL, post_office())).status_code == 200
    assert not SocialAccount.objects.exists()


def test_the_password_is_asked_for_and_a_new_one_voids_the_link(
    signed_in: Visitor, ada: User, post_office: PostOffice
) -> None:
    refused = ask(signed_in, password="wrong")
    assert refused.json()["errors"][0] | {"message": ""} == {
        "field": "password", "code": "wrong_password", "message": "",
    }  # fmt: skip
    assert ask(signed_in, ada.email).json()["errors"][0]["field"] == "email"
    assert post_office() == []
    ask(signed_in)
    key = key_for(EMAIL, post_office())
    ada.set_password(NEW)
    ada.save()
    assert confirm(key).status_code == 400
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


def test_an_email_that_is_taken_stays_where_it_is(
    signed_in: Visitor, ada: User, post_office: PostOffice
) -> None:
    other = User.objects.create_user(EMAIL, NEW)
    taken, free = ask(signed_in), ask(signed_in, "free@example.org")
    assert (taken.status_code, taken.json()) == (free.status_code, free.json())
    (mail,) = [mail for mail in post_office() if mail.to == [EMAIL]]
    assert mail.subject == "You already have an account"

    other.delete()
    ask(signed_in)
    key = key_for(EMAIL, post_office())
    User.objects.create_user(EMAIL, NEW)  # taken after the mail was sent
    assert confirm(key).status_code == 400


def test_a_stranger_gets_three_mails_however_many_ask(
    signed_in: Visitor, another: Visitor, post_office: PostOffice
) -> None:
    another.force_login(User.objects.create_user("eve@example.org", PASSWORD))
    answers = [ask(visitor) for visitor in (signed_in, another) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].json() == answers[3].json()
    mails = [mail for mail in post_office() if mail.to == [EMAIL]]
    assert len(mails) == 3
    assert confirm(key_for(EMAIL, mails[:1])).status_code == 200, "a link of before still works"


def test_who_never_proved_an_email_gives_way(
    signed_in: Visitor, ada: User, post_office: PostOffice
) -> None:
    Visitor().register(EMAIL, NEW)
    ask(signed_in)
    mails = [mail for mail in post_office() if "/confirm-address/" in mail.body]
    assert confirm(key_for(EMAIL, mails)).status_code == 200
    assert User.objects.get(email=EMAIL).pk == ada.pk


def test_a_made_up_link_is_refused(ada: User) -> None:
    made_up = signing.dumps({"user_id": ada.pk}, salt="another")
    assert confirm(made_up).status_code == 400
    assert confirm("x").json()["errors"][0]["code"] == "dead_link"
