"""Settings: one frozen object, read once from the environment.

Each setting `X` is read from `TESTAMUR_X`, or from the file that `TESTAMUR_X_FILE` names (for secrets that a container
platform mounts). A name that is not a setting stops the start: a misspelt setting that is silently ignored is worse.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from testamur.child_processes import processors
from testamur.encryption import parse_master_key
from testamur.plans import Plan

PREFIX = "TESTAMUR_"
NewWorkspaces = Literal["owners", "everyone", "nobody"]
DEFAULT_BASE_URL = "http://127.0.0.1:8000"


class BadSetting(Exception):
    """A setting that is unknown or cannot be used; the message is one line for the operator."""


def _data_dir(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _database_url(text: str) -> str:
    """SQLite as `sqlite:///path/to/file`, PostgreSQL as `postgresql://user:password@host/name`."""
    scheme, separator, rest = text.partition("://")
    if separator and rest and scheme == "sqlite":
        return text
    if separator and rest and scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    raise ValueError("must start with sqlite:/// or postgresql://")


def _base_url(text: str) -> str:
    """Issuers are named by it (did:web), so it holds nothing that such a name cannot."""
    if not re.fullmatch(r"(?i:https?)://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._-]+)*/?", text, re.ASCII):
        raise ValueError(
            "must be the address people reach this server at, such as https://credentials.example.org "
            "(letters beyond ASCII as xn--..., no user, no IPv6)"
        )
    return text.rstrip("/")


def _rate_limit(text: str) -> str | None:
    """The notation of the `limits` package, such as `100/second`; `off` is None."""
    if text.lower() == "off":
        return None
    if not re.fullmatch(
        r"[1-9]\d*\s*(/|\s*per\s*)\s*(\d+\s*)?(second|minute|hour|day|month|year)s?", text, re.IGNORECASE
    ):
        raise ValueError("must be a number per time, such as 100/second or 1000/minute, or off")
    return text


def _smtp_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError("must be smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465")
    if parts.query not in {"", "starttls=never"}:
        raise ValueError("may have no other option than ?starttls=never")
    return text


def _valkey_url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"valkey", "redis", "valkeys", "rediss"}:
        raise ValueError("must be valkey://HOST:6379/0 (valkeys:// for TLS)")
    return f"valkey{'s' if scheme.endswith('s') and scheme != 'redis' else ''}://{rest}"


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return text.lower() == "true"


def _email(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>\"]+@[^@\s<>\"]+", text):
        raise ValueError("must be an email address")
    return text


def _known_issuers(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or not all(re.fullmatch(r"(did:[a-z0-9]+:|https://)[!-~]+", name, re.ASCII) for name in names):
        raise ValueError("must be DIDs (did:web:example.org) or https addresses of issuers, with commas between them")
    return names


def _plans(text: str) -> Mapping[str, Plan]:
    """JSON: the plans by name."""
    try:
        return msgspec.json.decode(text, type=dict[str, Plan])
    except msgspec.MsgspecError as error:
        raise ValueError(f"must be a JSON object of plans by name; {error}") from None


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text.lower()

    return parse


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def _setting(  # A field with what reading it needs beside it.
    parse: Callable[[str], Any], help_text: str, default: Any = None
) -> Any:
    return field(default=default, metadata={"parse": parse, "help": help_text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    # ruff: noqa: RUF009 - `_setting` only wraps dataclasses.field.
    data_dir: Path = _setting(
        _data_dir, "Folder of the database (if SQLite) and of all files.", Path("data").absolute()
    )
    database_url: str = _setting(
        _database_url,
        "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; default: testamur.db in the data folder.",
        "",
    )
    storage_url: str | None = _setting(
        str,
        "Where files are kept: s3://BUCKET/PREFIX?endpoint=https://HOST&region=NAME; default: files in the data folder.",
    )
    storage_access_key: str | None = _setting(
        str, "Access key of the bucket; default: what AWS variables or roles say."
    )
    storage_secret_key: str | None = _setting(str, "Secret key of the bucket.")
    base_url: str = _setting(
        _base_url,
        "Address at which people reach this server; links in pages, files and mails start with it.",
        DEFAULT_BASE_URL,
    )
    rate_limit: str | None = _setting(
        _rate_limit, "Requests a workspace may make, such as 100/second, or off.", "100/second"
    )
    plans: Mapping[str, Plan] = _setting(_plans, "Plans by name, as JSON: what workspaces may use.")
    master_key: bytes | None = _setting(
        parse_master_key,
        "Encrypts secrets in the database; 32 bytes as base64. Default: master.key in the data folder.",
    )
    smtp_url: str | None = _setting(
        _smtp_url,
        "Mail server: smtp://USER:PASSWORD@HOST:587 (STARTTLS), smtps://... (TLS); default: mails are written to files.",
    )
    email_from: str = _setting(_email, "Address that mails are sent from.", "no-reply@localhost.localdomain")
    valkey_url: str | None = _setting(
        _valkey_url, "Valkey or Redis that counts the rate limit of several processes: valkey://HOST:6379/0."
    )
    allow_private_networks: bool = _setting(
        _boolean,
        "Whether webhooks, pictures and badges may be at private, loopback and link-local addresses.",
        default=False,
    )
    owner_email: str = _setting(
        _email, "Email address of the account that the first start makes.", "owner@testamur.internal"
    )
    new_workspaces: NewWorkspaces = _setting(
        _choice("owners", "everyone", "nobody"),
        "Who may make further workspaces in the dashboard: owners (of one), everyone, nobody.",
        "owners",
    )
    known_issuers: tuple[str, ...] = _setting(
        _known_issuers, "Issuers elsewhere that /verify shall know: DIDs or https addresses, with commas.", ()
    )
    rendering_processes: int = _setting(
        _whole_number(1, 256),
        "Worker processes that draw; default: as many as there are processors.",
        processors(),
    )
    rendering_queue: int = _setting(
        _whole_number(1, 100_000), "Drawings that may wait for a worker process; more are turned away (503).", 100
    )
    rendering_seconds: int = _setting(
        _whole_number(1, 3600), "What one drawing may take before its process is ended.", 20
    )
    rendering_memory: int = _setting(
        _whole_number(128, 1_000_000), "MiB that one worker process may hold before it is ended.", 1024
    )
    log_level: str = _setting(
        _choice("debug", "info", "warning", "error"),
        "Least severity that is logged: debug, info, warning, error.",
        "info",
    )
    log_format: str = _setting(
        _choice("auto", "json", "text"), "json, text, or auto: text on a terminal, else json.", "auto"
    )

    def __post_init__(self) -> None:
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir / 'testamur.db'}")
        object.__setattr__(self, "plans", self.plans or {})


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment asks for. Raises BadSetting with one clear line."""
    known = {PREFIX + item.name.upper(): item for item in fields(Settings)}
    values: dict[str, Any] = {}
    for name in sorted(environment):
        if not name.startswith(PREFIX):
            continue
        plain = name.removesuffix("_FILE")
        if plain not in known:
            near = get_close_matches(plain, known, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(known)}"
            raise BadSetting(f"{name} is not a setting of Testamur; {hint}")
        if name != plain and plain in environment:
            raise BadSetting(f"{plain} and {name} are both set; keep one of them")
        text = environment[name] if name == plain else _read_file(name, environment[name])
        if not text.strip():
            raise BadSetting(f"{name} is empty; give it a value or remove it")
        item = known[plain]
        try:
            values[item.name] = item.metadata["parse"](text.strip())
        except ValueError as error:
            # The value itself is not repeated: it may hold a password.
            raise BadSetting(f"{name} cannot be used: it {error}") from None
    return Settings(**values)


def _read_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadSetting(f"{name} names a file that cannot be read ({path}): {reason}") from None
