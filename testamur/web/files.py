"""Files in answers: under which name they are saved, and how they are sent while they are made."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import quote

import structlog
from anyio import CancelScope, fail_after
from anyio.to_thread import run_sync
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

# Who takes nothing for so long has gone without telling; what they hold is given to others.
STALLED_SECONDS = 60

_log = structlog.get_logger(__name__)


class FileBytes(Protocol):
    """The bytes of a file that is being made; to be closed whether or not all of them were wanted."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class FileStream(StreamingResponse):
    """Sends a file while it is made, on a thread; whatever ends the sending closes the file."""

    def __init__(self, content: FileBytes, status: int, headers: dict[str, str], media_type: str) -> None:
        super().__init__(content, status, headers, media_type)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            with fail_after(STALLED_SECONDS):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        except TimeoutError:
            # Returning without the last part breaks the connection, so nobody takes this for the whole file.
            _log.warning("file_stalled", path=scope["path"], seconds=STALLED_SECONDS)
        finally:
            with CancelScope(shield=True):
                await run_sync(self._content.close)


def attachment(name: str) -> str:
    """A Content-Disposition that saves under `name`: plain ASCII for old programs, the real letters for others."""
    safe = re.sub(r'[\x00-\x1f\x7f"\\/:*?<>|]+', "-", name).strip(" .-")
    plain = unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode().strip(" .-") or "credential"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe)}"
