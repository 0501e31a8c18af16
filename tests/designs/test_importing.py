"""A design file with its pictures becomes a design of the workspace, or nothing at all."""

import io
import json

import pytest
from databases import on_one_database
from PIL import Image

from testamur.clock import now
from testamur.designs.importing import import_design
from testamur.designs.queries import get_version, list_designs
from testamur.errors import Invalid
from testamur.rendering.document import parse_design_file


def design_file(source):
    document = {
        "version": 1,
        "page": {"width": 100, "height": 60},
        "elements": [{"type": "image", "x": 0, "y": 0, "width": 10, "height": 10, "source": source, "alt": "Logo"}],
    }
    return parse_design_file(json.dumps({"name": "With a logo", "type": "badge", "document": document}))


def run(platform, tenant, folder, source):
    with platform.database.write() as tx:
        return import_design(tx, platform.storage, tenant.workspace.id, design_file(source), folder=folder, at=now())


def test_its_pictures_are_kept_under_their_digest(platform, tenant, other_tenant, tmp_path):
    Image.new("RGB", (40, 40), "navy").save(tmp_path / "logo.png")
    design = run(platform, tenant, tmp_path, "logo.png")
    with platform.database.read() as tx:
        version = get_version(tx, tenant.workspace.id, design.id, 1)
        renderer = platform.renderers.get(tx, tenant.workspace.id, design.id, 1)
    assert "logo.png" not in version.document
    made = Image.open(io.BytesIO(renderer.raster({}, width_px=100))).convert("RGB")
    assert made.getpixel((5, 5)) == (0, 0, 128)
    source = json.loads(version.document)["elements"][0]["source"]
    with pytest.raises(Invalid, match="There is no picture"):
        run(platform, other_tenant, tmp_path, source)


@on_one_database
@pytest.mark.parametrize("source", ["missing.png", "../secret.png", "/etc/hostname", "notes.txt"])
def test_a_picture_that_cannot_be_used_leaves_nothing_behind(platform, tenant, tmp_path, source):
    folder = tmp_path / "designs"
    folder.mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    (folder / "notes.txt").write_text("not a picture")
    with pytest.raises(Invalid):
        run(platform, tenant, folder, source)
    with platform.database.read() as tx:
        assert len(list_designs(tx, tenant.workspace.id, None, 100).items) == 2
