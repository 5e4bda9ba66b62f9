"""A real SMTP server on a loopback address, which a test can take away and bring back."""

import asyncio
import email
import re
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.stack import wait_for


class MailServer:
    """Keeps what it was given; `refused` are recipients it says no to.

    Args:
        looks_for: seconds that it looks into a mail before it takes it.
    """

    def __init__(self, port: int, looks_for: float = 0) -> None:
        self.port, self.looks_for = port, looks_for
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
        self._controller = None

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 there is nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        await asyncio.sleep(self.looks_for)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if address in str(mail["To"])]

    def wait(self, address: str, number: int = 1) -> EmailMessage:
        """The mail of that number to an address, when it has come."""
        return wait_for(
            lambda: self.to(address)[number - 1 : number], what=f"mail {number} to {address}"
        )[0]


def link_in(mail: EmailMessage) -> str:
    """The path that a mail leads to."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(r"http://[^/\s]+(/\S+)", body.get_content())
    assert found, body.get_content()
    return found[1]
