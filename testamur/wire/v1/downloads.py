"""What a download is asked to hold."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.credentials.downloading import AWARDED
from testamur.credentials.file_names import NAME_PATTERN
from testamur.credentials.model import Status
from testamur.credentials.renderings import Format

WireStatus = Literal["draft", "scheduled", "issued", "expired", "all"]


class DownloadTemplate(Struct, kw_only=True):
    """How to download the credentials of a template; all of it may be left out."""

    format: Format = "pdf"
    name: Annotated[
        str,
        Meta(
            description="What each file is called: text with attributes, as in a design.",
            examples=["[recipient.name] - [group.name]"],
        ),
    ] = NAME_PATTERN
    status: Annotated[
        WireStatus | UnsetType, Meta(description="Left out: what was issued, also if it has expired; no drafts.")
    ] = UNSET
    designs: Annotated[
        Literal["first", "all"], Meta(description="first: the first certificate, or else the first design.")
    ] = "first"

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses that were asked for."""
        if self.status is UNSET:
            return AWARDED
        return ("draft", "scheduled", "issued", "expired") if self.status == "all" else (self.status,)


class DownloadCredentials(DownloadTemplate, rename="camel", kw_only=True):
    """What to download, and how; either credentialIds or filter."""

    credential_ids: Annotated[list[str], Meta(description="At most 10,000 ids.")] | UnsetType | None = UNSET
    filter: Annotated[dict[str, Any], Meta(description="As in POST /v1/credentials/search.")] | UnsetType | None = UNSET
