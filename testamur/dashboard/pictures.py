"""Pictures of designs: where those with usual sample values are, and drawings with names that are hard to fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from testamur.attributes.model import AttributeType
from testamur.attributes.queries import list_attributes
from testamur.credential_templates.editing import EXPIRY_NUMBER_MAX
from testamur.credential_templates.model import ExpiryRule
from testamur.dashboard.parameters import id_in_path, number_in_path
from testamur.dashboard.visits import WorkspaceVisit
from testamur.db import Transaction
from testamur.designs.links import preview_key
from testamur.designs.model import Design
from testamur.designs.renderers import DesignRenderer
from testamur.errors import Invalid, NotFound
from testamur.rendering.languages import DEFAULT_LANGUAGE, clean_language
from testamur.rendering.samples import SAMPLE_NAMES, SAMPLE_VALUES
from testamur.rendering.values import Value
from testamur.web.translating import marked

WIDTH_PX = 1200
_SAMPLE_DAY = date(2026, 11, 24)
_NAME_LENGTH_MAX = 255

# What each name that is tried is called.
SAMPLE_LABELS = {
    "short": marked("Short name"),
    "long": marked("Long name"),
    "right_to_left": marked("Right to left"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What pictures of a credential template show beside the recipient's name; None is the usual sample."""

    name: str | None = None
    language: str = DEFAULT_LANGUAGE
    expiry_rule: ExpiryRule | None = None


def thumbnail(design: Design, *, width_px: int = 600, version: int | None = None) -> str:
    """The address of a design's stored preview."""
    key = preview_key(design.workspace_id, design.id, version or design.version, "webp")
    return f"/files/{key}?width={width_px}"


def sample_path(visit: WorkspaceVisit, design: Design, sample: str, shown: Shown | None = None) -> str:
    """The address of a drawing with one of the names to try."""
    path = visit.url(f"/designs/{design.id}/versions/{design.version}/{sample}.webp")
    if shown is None or shown.name is None:
        return path
    rule = shown.expiry_rule
    query = {"name": shown.name, "language": shown.language}
    return f"{path}?{urlencode({**query, **({'expiry': f'{rule.number} {rule.unit}'} if rule else {})})}"


async def draw_sample(visit: WorkspaceVisit) -> Response:
    """A version of a design with a name that is short, long or written from right to left."""
    sample = visit.parameter("sample")
    if sample not in SAMPLE_NAMES:
        raise NotFound
    design_id, number, shown = id_in_path(visit), number_in_path(visit), _read_shown(visit)

    def read(tx: Transaction) -> tuple[DesignRenderer, dict[str, Value]]:
        renderer = visit.platform.renderers.get(tx, visit.workspace_id, design_id, number)
        return renderer, sample_values(tx, visit, shown)

    renderer, values = await visit.read(read)
    values["recipient.name"] = SAMPLE_NAMES[sample]

    def draw() -> bytes:
        return renderer.raster(values, width_px=WIDTH_PX, format_="webp", language=shown.language)

    content = await visit.platform.rendering_threads.run(draw)
    # A version never changes, but the names of the workspace and of its attributes may.
    headers = {"Cache-Control": "private, max-age=300", "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type="image/webp")


def sample_values(tx: Transaction, visit: WorkspaceVisit, shown: Shown) -> dict[str, Value]:
    """A value for every attribute of the workspace."""
    values = {
        **SAMPLE_VALUES,
        "issuer.name": visit.workspace.name,
        "issuer.support_email": visit.workspace.support_email or "",
    }
    for attribute in list_attributes(tx, visit.workspace_id):
        values[attribute.tag] = values.get(attribute.tag) or _sample_of(attribute.name, attribute.type)
    if shown.name is not None:
        expiry = "" if shown.expiry_rule is None else shown.expiry_rule.expiry_date(_SAMPLE_DAY)
        values |= {"group.name": shown.name, "course.name": shown.name, "certificate.expired_on": expiry}
    return values


def _sample_of(name: str, type_: AttributeType) -> Value:
    samples: Mapping[AttributeType, Value] = {"text": name, "date": _SAMPLE_DAY, "number": Decimal(40), "image": ""}
    return samples[type_]


def _read_shown(visit: WorkspaceVisit) -> Shown:
    name = "".join(char for char in visit.query("name")[:_NAME_LENGTH_MAX] if char.isprintable())
    if "name" not in visit.request.query_params:
        return Shown()
    try:
        language = clean_language(visit.query("language", DEFAULT_LANGUAGE))
    except Invalid:
        language = DEFAULT_LANGUAGE
    return Shown(name, language, read_rule(*visit.query("expiry").partition(" ")[::2]))


def read_rule(number: str, unit: str) -> ExpiryRule | None:
    """An expiry rule as a form holds it; None if it is none that can be used."""
    if not (number.isascii() and number.isdigit() and len(number) <= len(str(EXPIRY_NUMBER_MAX))):
        return None
    try:
        rule = msgspec.convert({"number": int(number), "unit": unit}, ExpiryRule)
    except msgspec.ValidationError:
        return None
    return rule if 1 <= rule.number <= EXPIRY_NUMBER_MAX else None
