"""`testamur verify`: whether a badge is what it claims to be. It needs no installation: no settings, no database."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from testamur.clock import now
from testamur.errors import Invalid
from testamur.openbadges.bundles import BYTES_MAX, Bundle, InvalidBundle, read_bundle
from testamur.openbadges.dids import InvalidDID, web_did_address
from testamur.openbadges.reports import STEP_MARKS, STEP_TITLES, VERDICT_TITLES, Report
from testamur.openbadges.resolving import Unreachable, only_keys
from testamur.openbadges.verification import verify
from testamur.web.verifying import FILE_BYTES_MAX, badge_in, fetch_documents

Fetch = Callable[[str], bytes]

_BUNDLE_NOTE = (
    "The keys were taken from the bundle, and anybody can make one. Give the issuer's key, as you know it from elsewhere: "
    "--known-issuer DID#KEY"
)


@click.command("verify")
@click.argument("badge", metavar="FILE|URL")
@click.option(
    "--bundle",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Proof bundle (ZIP) that keys and lists are taken from; nothing is looked up.",
)
@click.option(
    "--known-issuer",
    "known",
    multiple=True,
    metavar="DID",
    help="Issuer that you know, as DID, DID#KEY or https address; may be repeated.",
)
@click.option("--log-key", metavar="KEY", help="Key of the server's log, which the bundle's log proof must be under.")
@click.option("--offline", is_flag=True, help="Look up nothing.")
@click.option("--allow-private-networks", is_flag=True, help="Look up private addresses too, and http.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def verify_command(
    badge: str,
    bundle: Path | None,
    known: tuple[str, ...],
    log_key: str | None,
    *,
    offline: bool,
    allow_private_networks: bool,
    as_json: bool,
) -> None:
    """Verify an Open Badge of anybody (3.0, or hosted 2.0).

    FILE is JSON, a JWT, a baked PNG or SVG, or a picture of a QR code that leads to one; - is standard input. Exit code
    0 if it is valid (also from an issuer who is not known), 1 if it is not, 2 if there is no badge.
    """
    try:
        held = None if bundle is None else _held(bundle)
        log_proof = None if log_key is None or held is None else held.log_proof
        if log_key is not None and log_proof is None:
            raise click.UsageError("--log-key needs a --bundle with a proof out of the log in it")
        if held is not None:
            fetch: Fetch = held.fetch
        else:
            fetch = _nothing if offline else fetch_documents(allow_private=allow_private_networks)
        issuers, fetch = _known(known, fetch, needs_keys=held is not None)
        report = verify(
            _content(badge),
            fetch=fetch,
            at=now(),
            known_issuers=issuers,
            log_proof=log_proof,
            log_key=log_key or "",
        )
    except (InvalidBundle, Invalid) as error:
        raise click.UsageError(str(error)) from None
    notes = [_BUNDLE_NOTE] if bundle is not None and report.verdict == "valid_unknown_issuer" else []
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        _print(report)
    for note in notes:
        click.echo(note, err=True)
    if report.document is None:
        sys.exit(2)
    sys.exit(1 if report.verdict == "invalid" else 0)


def _content(badge: str) -> bytes | str:
    """Raises Invalid, UsageError."""
    if badge.startswith(("https://", "http://")):
        return badge
    try:
        if badge == "-":
            content = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with Path(badge).open("rb") as file:
                content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise click.UsageError(f"{badge} cannot be read: {error.strerror}") from None
    if len(content) > FILE_BYTES_MAX:
        raise click.UsageError(f"{badge} is larger than {FILE_BYTES_MAX // 1_000_000} MB, which no badge needs to be")
    return badge_in(content)


def _held(bundle: Path) -> Bundle:
    """Raises InvalidBundle, UsageError."""
    try:
        with bundle.open("rb") as file:
            return read_bundle(file.read(BYTES_MAX + 1))
    except OSError as error:
        raise click.UsageError(f"{bundle} cannot be read: {error.strerror}") from None


def _nothing(_url: str) -> bytes:
    raise Unreachable("nothing is looked up (--offline)")


def _known(named: tuple[str, ...], fetch: Fetch, *, needs_keys: bool) -> tuple[set[str], Fetch]:
    """The issuers, and a `fetch` by which those that are named with keys have no other keys. Raises UsageError."""
    keys: dict[str, set[str]] = {}
    issuers = set()
    for name in named:
        issuer, _, key = name.partition("#")
        issuers.add(issuer)
        if key:
            try:
                keys.setdefault(web_did_address(issuer), set()).add(name)
            except InvalidDID as error:
                raise click.UsageError(f"{error}, so it has no keys to name") from None
        elif needs_keys and not issuer.startswith("did:key:"):
            # Whoever makes a bundle with false keys names them like the issuer.
            raise click.UsageError(f"With --bundle, name the issuer with its key: --known-issuer {issuer}#KEY")

    def fetched(url: str) -> bytes:
        return only_keys(fetch(url), keys[url]) if url in keys else fetch(url)

    return issuers, fetched


def _print(report: Report) -> None:
    width = max(len(STEP_TITLES[step.name]) for step in report.steps)
    for step in report.steps:
        click.echo(f"{STEP_MARKS[step.status]} {STEP_TITLES[step.name]:<{width}}  {_printable(step.reason)}")
    title, explanation = VERDICT_TITLES[report.verdict]
    click.echo(f"\n{title}. {explanation}")
    facts = report.facts
    told = [("Credential", facts.name), ("Awarded to", facts.recipient), ("Issuer", facts.issuer_name)]
    for label, text in told:
        if text:
            click.echo(f"{label:<12}{_printable(text)}")


def _printable(text: str) -> str:
    """What a badge says must not steer the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
