"""`make bench`: every benchmark, or those named."""

import argparse
import sys
from importlib import import_module

import msgspec

from benchmarks.report import as_text
from testamur.logs import configure_logs

BENCHMARKS = {
    "groups": ("benchmarks.serving.measure", "POST /v1/groups beside the usual stack and a bare function"),
    "send": ("benchmarks.serving.measure_send", "create-issue-send beside the usual stack"),
    "pdf": ("benchmarks.rendering.measure", "one certificate as PDF beside Chromium, WeasyPrint and ReportLab; memory"),
    "picture-pdf": ("benchmarks.rendering.measure_picture", "the same with a picture background"),
    "png": ("benchmarks.rendering.measure_png", "one certificate as PNG beside Chromium and Pillow"),
    "bulk": ("benchmarks.rendering.measure_bulk", "10,000 PDFs into a folder beside what cannot be saved; memory"),
    "sign": ("benchmarks.signing.measure", "a signature on a PDF beside its rendering, and beside pyHanko alone"),
    "badges": ("benchmarks.badges.measure", "signing and verifying Open Badges beside the straightforward way"),
    "log": ("benchmarks.transparency.measure", "the transparency log: recording, entering, proving, checking"),
    "previews": ("benchmarks.previews.measure", "stored pictures beside static files; the first of a design version"),
    "wallet": ("benchmarks.wallet.measure", "a credential's page at a steady 200 requests a second"),
    "download": (
        "benchmarks.downloading.measure",
        "10,000 certificates as one ZIP over HTTP: rate, and the server's memory",
    ),
    "import": ("benchmarks.importing.measure", "an import of 100,000 rows beside the bare driver, on both databases"),
    "search": ("benchmarks.searching.measure", "listing and searching at 10,000 and 1,000,000 credentials"),
    "dashboard": (
        "benchmarks.dashboard.measure",
        "pages of the dashboard with 1,000,000 credentials in the workspace; bytes of a first visit",
    ),
    "lighthouse": (
        "benchmarks.lighthouse.measure",
        "Lighthouse on a credential's page, the sign-in page and the table of credentials; bytes of a first visit",
    ),
    "webhooks": ("benchmarks.webhooks.measure", "deliveries to slow and to dead receivers"),
    "issue": ("benchmarks.issuing.measure", "testamur issue: rows per second, and how the cost of a row grows"),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description='Measure Testamur beside what a user would pick instead. With make: BENCH_ARGS="groups --quick".',
        epilog="; ".join(f"{name}: {text}" for name, (_, text) in BENCHMARKS.items()),
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, to see that it runs")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON, for programs")
    given = parser.parse_args()
    unknown = set(given.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    # What runs in this process must not print a line for each request.
    configure_logs("error", "json")
    reports = []
    for name in given.names or BENCHMARKS:
        place, text = BENCHMARKS[name]
        module, _, function = place.rpartition(".")
        print(f"Measuring {name}: {text}", file=sys.stderr, flush=True)
        report = getattr(import_module(module), function)(quick=given.quick)
        reports.append(report)
        if not given.as_json:
            print(as_text(report), flush=True)
    if given.as_json:
        print(msgspec.json.format(msgspec.json.encode(reports), indent=2).decode())
    return 0 if all(target.holds for report in reports for target in report.targets) else 1


if __name__ == "__main__":
    sys.exit(main())
