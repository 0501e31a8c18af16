"""The transparency log: what it adds to issuing, how long entering takes, what a proof and the whole check take."""

import time
from datetime import UTC, datetime
from statistics import median

from benchmarks.badges import KEY, _credential
from benchmarks.databases import KINDS, fresh_platform
from benchmarks.report import Report, Target
from testamur.openbadges.data_integrity import Signer
from testamur.openbadges.transparency import credential_subject, document_digest
from testamur.transparency.checking import check_log
from testamur.transparency.proving import inclusion_proof
from testamur.transparency.recording import record
from testamur.web.platform import Platform
from testamur.worker.schedules import append_to_log

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
# As many as are issued in one transaction.
CHUNK = 500


def measure(*, quick: bool) -> Report:
    size = 2_000 if quick else 10_000
    signer = Signer(KEY)
    # The time of the processor, because signing does not wait for anything.
    began = time.process_time()
    signed = [signer.sign(_credential(number), created=AT) for number in range(CHUNK)]
    signing = (time.process_time() - began) / CHUNK
    began = time.process_time()
    for number, document in enumerate(signed):
        credential_subject(str(number)), document_digest(document)
    digesting = (time.process_time() - began) / CHUNK
    rows = [
        ("either", "signing a credential", f"{signing * 1e6:.0f} us"),
        ("either", "its digest for the log", f"{digesting * 1e6:.0f} us"),
    ]
    targets = [Target(name="of signing, for the digest", measured=digesting / signing, at_most=0.25)]
    for kind in KINDS:
        with fresh_platform(kind) as platform:
            recording, entering, entries = _enter(platform, size)
            proving = _proving(platform, size)
            began = time.perf_counter()
            with platform.database.read() as tx:
                assert check_log(tx, advance=lambda _: None).fault is None
            checking = time.perf_counter() - began
        rows += [
            (kind, "recording, of each of 500 credentials", f"{recording * 1e6:.1f} us"),
            (kind, f"entering {size:,}", f"{entering:.2f} s, {entries / entering:,.0f}/s"),
            (kind, "one proof that an entry is in the log", f"{proving * 1e3:.1f} ms"),
            (kind, f"checking the whole log of {size:,}", f"{checking:.2f} s"),
        ]
        targets.append(Target(name=f"entered a second on {kind}", measured=entries / entering, at_least=2_000))
    return Report(
        name="log",
        title="The transparency log",
        headings=("database", "work", "takes"),
        rows=rows,
        targets=targets,
    )


def _enter(platform: Platform, size: int) -> tuple[float, float, int]:
    """Seconds to record each and to enter all, and how many were entered."""
    digest = document_digest({})
    times = []
    for start in range(0, size, CHUNK):
        pairs = [(credential_subject(str(number)), digest) for number in range(start, start + CHUNK)]
        with platform.database.write() as tx:
            began = time.perf_counter()
            record(tx, "issue", pairs, at=AT)
            times.append((time.perf_counter() - began) / CHUNK)
    began, entries = time.perf_counter(), 0
    while entered := append_to_log(platform, AT):
        entries += entered
    return median(times), time.perf_counter() - began, entries


def _proving(platform: Platform, size: int) -> float:
    """Seconds for one proof."""
    times = []
    for number in range(100):
        began = time.perf_counter()
        with platform.database.read() as tx:
            assert inclusion_proof(tx, credential_subject(str(number * 37 % size))) is not None
        times.append(time.perf_counter() - began)
    return median(times)
