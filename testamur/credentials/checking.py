"""The check before issuing: what would go wrong in the certificates of a list of recipients, before anything exists.

It sets each recipient's certificates with the engine that will draw them, so what it finds is what would be seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec

from testamur.attributes.queries import attribute_types
from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.bulk_issuing import CheckedRow
from testamur.credentials.drafting import new_credential
from testamur.credentials.model import Recipient
from testamur.credentials.values import attribute_values
from testamur.db import Transaction
from testamur.designs.model import Design
from testamur.designs.queries import find_designs
from testamur.designs.renderers import DesignRenderer, Renderers
from testamur.ids import new_id
from testamur.rendering.renderer import Finding
from testamur.rendering.values import Value
from testamur.workspaces.model import Workspace


class RowFinding(msgspec.Struct, frozen=True):
    """Something that somebody should look at before the row is issued."""

    line: int
    recipient_name: str
    design: Design
    finding: Finding


class AwardCheck:
    """Checks rows for one credential template; made in a transaction, used outside of any."""

    def __init__(
        self,
        tx: Transaction,
        renderers: Renderers,
        workspace: Workspace,
        template: CredentialTemplate,
        base_url: str,
    ) -> None:
        found = find_designs(tx, workspace.id, template.design_ids)
        self._designs = [
            (found[id_], renderers.get(tx, workspace.id, id_, found[id_].version)) for id_ in template.design_ids
        ]
        self._types = attribute_types(tx, workspace.id)
        self._renderers = renderers
        self._workspace = workspace
        self._template = template
        self._base_url = base_url

    def check(self, rows: Iterable[CheckedRow], *, at: datetime) -> Iterator[tuple[CheckedRow, Sequence[RowFinding]]]:
        """Each row with what was found, in their order; all processors are used."""
        wanted = [(row, values) for row in rows for values in [self._values(row, at)]]
        jobs = (
            partial(renderer.findings, values, language=self._template.language)
            for _, values in wanted
            for _, renderer in self._designs
        )
        answers = self._renderers.pool.map(jobs)
        for row, _ in wanted:
            found = [
                RowFinding(row.line, row.award.recipient_name, design, finding)
                for design, _ in self._designs
                for finding in next(answers)
            ]
            yield row, found

    def pictures(self, row: CheckedRow, *, width_px: int, at: datetime) -> list[tuple[Design, bytes]]:
        """Each certificate of a row as WebP, as wide as told; a picture that cannot be had is left out of it.

        Raises RenderingFailed or Unavailable if it cannot be drawn.
        """
        values = self._values(row, at)
        return [
            (design, self._draw(renderer, self._without_lost(renderer, values), width_px))
            for design, renderer in self._designs
        ]

    def _draw(self, renderer: DesignRenderer, values: Mapping[str, Value], width_px: int) -> bytes:
        return renderer.raster(values, width_px=width_px, format_="webp", language=self._template.language)

    @staticmethod
    def _without_lost(renderer: DesignRenderer, values: Mapping[str, Value]) -> Mapping[str, Value]:
        lost = {str(problem.path[-1]): "" for problem in renderer.lost_pictures(values)}
        return {**values, **lost}

    def fetch_pictures(self, row: CheckedRow, *, at: datetime) -> None:
        """Have the pictures that a row names by address fetched, which takes seconds at worst."""
        values = self._values(row, at)
        for _, renderer in self._designs:
            renderer.lost_pictures(values)

    def _values(self, row: CheckedRow, at: datetime) -> dict[str, Value]:
        recipient = Recipient(new_id(), row.award.recipient_name, row.award.recipient_email)
        draft = new_credential(self._workspace.id, self._template.id, row.award, recipient, state="draft", at=at)
        return attribute_values(draft, self._template, self._workspace, self._base_url, self._types)
