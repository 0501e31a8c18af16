"""Where mails go: to a mail server, or into a folder of files."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from testamur.storage.folder import write_file

TIMEOUT_SECONDS = 30
# Below the data folder: where mails go that no server takes.
MAILS_FOLDER = "mails"


class Refused(Exception):
    """The mail server will not take this mail; `is_final` tells that it never will."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Unreachable(Exception):
    """There is no mail server to talk to now: not this mail's fault, and the same for the next one."""


class Outgoing(Protocol):
    """An open way out."""

    def send(self, message: EmailMessage) -> None:
        """Raises Refused or Unreachable."""


class FolderTransport:
    """Each mail becomes a file `<id>.eml`, to be looked at with any mail program."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def open(self) -> Iterator[Outgoing]:
        yield self

    def send(self, message: EmailMessage) -> None:
        name = str(message["Message-ID"]).strip("<>").partition("@")[0]
        write_file(self._folder / f"{name}.eml", message.as_bytes(policy=SMTPUTF8))


class SMTPTransport:
    """A mail server by URL: `smtp://` with STARTTLS, `smtps://` with TLS, user and password in it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._has_tls = parts.scheme == "smtps"
        self._starts_tls = not self._has_tls and parts.query != "starttls=never"
        self._port = parts.port or (465 if self._has_tls else 587)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")

    @contextmanager
    def open(self) -> Iterator[Outgoing]:
        try:
            connection = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(f"No connection to the mail server: {error}") from None
        try:
            yield _SMTPConnection(connection)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        connection: smtplib.SMTP
        if self._has_tls:
            connection = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            connection = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            if self._starts_tls:
                connection.starttls(context=context)
            if self._user:
                connection.login(self._user, self._password)
        except BaseException:
            connection.close()
            raise
        return connection


class _SMTPConnection:
    def __init__(self, connection: smtplib.SMTP) -> None:
        self._connection = connection

    def send(self, message: EmailMessage) -> None:
        try:
            self._connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _refused(code, text) from None
        except smtplib.SMTPServerDisconnected as error:
            raise Unreachable(f"The mail server broke the connection: {error}") from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(str(error), is_final=True) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(f"The mail server failed: {error}") from None


def _refused(code: int, text: bytes | str) -> Refused:
    reason = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Refused(f"{code} {reason}", is_final=500 <= code < 600)


def make_transport(smtp_url: str | None, folder: Path) -> FolderTransport | SMTPTransport:
    """By the setting; without a mail server, mails are written into the folder."""
    return FolderTransport(folder) if smtp_url is None else SMTPTransport(smtp_url)
