"""Structured logs on standard error: JSON for machines, columns on a terminal.

No line may hold an access token or a recipient's e-mail address; log ids instead.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(level: str, format_: str) -> None:
    """Send our own log lines and those of libraries the same way. `format_` is json, text or auto."""
    as_text = format_ == "text" or (format_ == "auto" and sys.stderr.isatty())
    # The console's own tracebacks show the values of variables, secrets among them, and take seconds.
    plain = structlog.dev.plain_traceback
    renderer: Any = structlog.dev.ConsoleRenderer(exception_formatter=plain) if as_text else _as_json
    # A console shows a traceback by itself; JSON needs it as text.
    final = [renderer] if as_text else [structlog.processors.format_exc_info, renderer]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Every migration step and every accepted connection would be a line otherwise.
    for noisy in ("alembic", "uvicorn.access", "PIL", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Our own lines do not take the way through the standard library, which was a tenth of a small request's time.
    structlog.configure(
        processors=[*_SHARED, *final],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        cache_logger_on_first_use=False,
    )


def _as_json(_logger: Any, _method: str, event: Mapping[str, Any]) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
