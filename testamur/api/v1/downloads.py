from typing import get_args

from testamur.api.v1.operations import Call, Operation, Parameter, StreamAnswer
from testamur.clock import today
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.downloading import Wanted, check_name_pattern, check_named
from testamur.credentials.renderings import Format
from testamur.credentials.searching import Filter, TextIs
from testamur.db import Transaction
from testamur.errors import Invalid
from testamur.web.downloads import open_download, selection_of
from testamur.wire.v1.decoding import convert_object
from testamur.wire.v1.downloads import DownloadCredentials, DownloadTemplate, WireStatus
from testamur.wire.v1.search import read_filter

_TAG = "Downloads"
_ABOUT = (
    "A ZIP, sent while it is made; the same credentials give the same bytes. Names are made safe for every system, "
    "and (2) is added to one that is there already. results.csv, the last file, tells which file is whose, and why one "
    "is missing. A few downloads run at once; beyond them the answer is 503."
)


def download_template(call: Call) -> StreamAnswer:
    template_id = call.id
    how = convert_object({name: value for name, value in call.query.items() if value}, DownloadTemplate)
    with call.platform.database.read() as tx:
        template = get_credential_template(tx, call.workspace.id, template_id)
        wanted = _wanted(call, tx, how)
    return _answer(call, wanted, how, TextIs("credential_template_id", "equals", template.id), template.name)


def download_credentials(call: Call) -> StreamAnswer:
    how = call.body(DownloadCredentials)
    if isinstance(how.credential_ids, list) == isinstance(how.filter, dict):
        raise Invalid("Give either credentialIds or filter", ("credential_ids",))
    filter_ = read_filter(how.filter) if isinstance(how.filter, dict) else None
    with call.platform.database.read() as tx:
        wanted = _wanted(call, tx, how)
        if filter_ is None:
            day = today(call.workspace.time_zone, call.at)
            given = how.credential_ids or []
            named = check_named(tx, call.workspace.id, given, statuses=how.statuses, today=day)
    return _answer(call, wanted, how, named if filter_ is None else filter_, "credentials")


def _wanted(call: Call, tx: Transaction, how: DownloadTemplate) -> Wanted:
    pattern = check_name_pattern(tx, call.workspace.id, how.name)
    return Wanted(format=how.format, pattern=pattern, has_all_designs=how.designs == "all")


def _answer(call: Call, wanted: Wanted, how: DownloadTemplate, chosen: Filter | list[str], name: str) -> StreamAnswer:
    selection = chosen if isinstance(chosen, list) else selection_of(chosen, how.statuses, call.at)
    content = open_download(call.platform, call.workspace, wanted, selection, at=call.at)
    return StreamAnswer(content, "application/zip", f"{name}.zip")


OPERATIONS = [
    Operation(
        method="GET",
        path="/groups/{id}/download",
        name="downloadGroup",
        is_long=True,
        summary="Download the certificates of a credential template",
        description=_ABOUT,
        tag=_TAG,
        run=download_template,
        answer=StreamAnswer,
        errors=(404, 503),
        parameters=(
            Parameter("format", "Of the files; pdf if left out.", get_args(Format)),
            Parameter("name", "What each file is called: text with attributes; [recipient.name] if left out."),
            Parameter("status", "Left out: what was issued, also if it has expired; no drafts.", get_args(WireStatus)),
            Parameter("designs", "first: the first certificate, or else the first design.", ("first", "all")),
        ),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/credentials/download",
        name="downloadCredentials",
        is_long=True,
        summary="Download the certificates of a selection",
        description=_ABOUT,
        tag=_TAG,
        run=download_credentials,
        body=DownloadCredentials,
        answer=StreamAnswer,
        errors=(404, 503),
        is_extension=True,
    ),
]
