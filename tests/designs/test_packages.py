"""A design as one file: the same design elsewhere, and nothing from an archive that means harm."""

import io
import json
import stat
import struct
import zipfile

import pytest
from PIL import Image

from testamur.designs.packages import pack, package_name, unpack
from testamur.errors import Invalid, InvalidJSON
from testamur.rendering.document import parse_design_file

IMAGE = {"type": "image", "x": 0, "y": 0, "width": 10, "height": 10}


def picture(color="navy", kind="PNG"):
    made = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(made, kind)
    return made.getvalue()


def design_json(*sources, **background):
    document = {
        "version": 1,
        "page": {"width": 100, "height": 60},
        "background": background,
        "elements": [{**IMAGE, "source": source} for source in sources],
    }
    return json.dumps({"name": "With pictures", "type": "badge", "document": document}).encode()


def archive(*files, compression=zipfile.ZIP_DEFLATED):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as opened:
        for name, content in files:
            opened.writestr(name, content)
    return made.getvalue()


@pytest.fixture
def drawn(api):
    """A design with a background and the same picture twice."""
    sources = [
        api("POST", "/assets", status=201, content=content)["source"]
        for content in (picture("navy"), picture("red", "JPEG"))
    ]
    document = json.loads(design_json(sources[1], sources[0], sources[1], picture=sources[0]))["document"]
    return api("POST", "/designs", {"name": "Été: 100 % / *", "type": "badge", "document": document}, status=201)


def test_a_design_comes_out_elsewhere_as_it_went_in(client, tenant, other_tenant, api, drawn):
    answer = client.get(f"/v1/designs/{drawn['id']}/export", headers=tenant.headers)
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="ete-100.design.zip"'
    assert client.get(f"/v1/designs/{drawn['id']}/export", headers=tenant.headers).content == answer.content
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        assert opened.namelist() == ["design.json", "picture-1.png", "picture-2.jpeg"]
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert opened.read("picture-1.png") == picture("navy")
        assert opened.read("picture-2.jpeg") == picture("red", "JPEG")
        parse_design_file(opened.read("design.json"))

    def elsewhere(method, path, **options):
        return client.request(method, f"/v1{path}", headers=other_tenant.headers, **options)

    made = elsewhere("POST", "/designs/import", content=answer.content)
    assert made.status_code == 201
    assert (made.json()["name"], made.json()["type"]) == (drawn["name"], "badge")
    document = elsewhere("GET", f"/designs/{made.json()['id']}/document").json()
    assert document == api("GET", f"/designs/{drawn['id']}/document")
    assert client.get(made.json()["previewUrl"]).content == client.get(drawn["previewUrl"]).content
    assert elsewhere("GET", f"/designs/{made.json()['id']}/export").content == answer.content
    assert elsewhere("GET", f"/designs/{drawn['id']}/export").status_code == 404


def test_what_is_exported_is_the_newest_version(api, client, tenant, drawn):
    plain = {"version": 1, "page": {"size": "A4"}}
    api("PATCH", f"/designs/{drawn['id']}", {"name": "設計", "document": plain})
    answer = client.get(f"/v1/designs/{drawn['id']}/export", headers=tenant.headers)
    assert 'filename="exported.design.zip"' in answer.headers["content-disposition"]
    package = unpack(answer.content)
    assert (package.drawn.name, package.pictures) == ("設計", {})


def test_a_bare_design_file_is_taken_with_pictures_of_the_workspace(api, client, other_tenant):
    source = api("POST", "/assets", status=201, content=picture())["source"]
    made = api("POST", "/designs/import", status=201, content=design_json(source))
    assert api("GET", f"/designs/{made['id']}/document")["document"]["elements"][0]["source"] == source
    error = api("POST", "/designs/import", status=400, content=design_json("logo.png"))["error"]
    assert 'There is no picture "logo.png"' in error["message"]
    theirs = client.post("/v1/designs/import", headers=other_tenant.headers, content=design_json(source))
    assert theirs.status_code == 400
    # An archive does not reach pictures of another workspace either.
    packed = archive(("design.json", design_json(source)))
    assert client.post("/v1/designs/import", headers=other_tenant.headers, content=packed).status_code == 400
    assert api("POST", "/designs/import", status=400, content=b"nonsense")["error"]["code"] == "invalid_json"


def test_people_may_make_archives_too():
    files = [
        ("__MACOSX/._design.json", b"left unread"),
        ("design.json", design_json("pictures/Logo.PNG")),
        ("pictures/", b""),
        ("pictures/Logo.PNG", picture()),
        ("notes.txt", b"left unread"),
    ]
    found = unpack(archive(*files)).pictures
    assert {name: item.content for name, item in found.items()} == {"pictures/Logo.PNG": picture()}


def with_mode(name, mode, content=b"design.json"):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry, content


def renamed(content, old, new):
    """A name that no writer would write."""
    assert len(old) == len(new)
    return content.replace(old, new)


def claimed(content, field, value, *, entry=b"a.png"):
    """The archive whose directory tells another size of an entry."""
    at = content.index(b"PK\x01\x02")
    while content[at + 46 : at + 46 + len(entry)] != entry:
        at = content.index(b"PK\x01\x02", at + 4)
    return content[: at + field] + struct.pack("<I", value) + content[at + field + 4 :]


GOOD = ("design.json", design_json("a.png"))
PICTURE = ("a.png", picture())
FLAGS, METHOD, COMPRESSED, SIZE = 8, 10, 20, 24


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (archive(GOOD), 'design.json: There is no picture "a.png" beside the design file'),
        (archive(PICTURE), "There is no design.json at the top"),
        (archive(("x/design.json", design_json())), "There is no design.json at the top"),
        (archive(("design.json", b"{}")), "design.json.name: Required"),
        (archive(GOOD, ("a.png", b"nonsense")), "a.png: The file is not a PNG, JPEG, WebP, GIF or SVG picture"),
        (archive(GOOD, PICTURE, ("../evil.png", b"x")), "../evil.png: Must be the name of a file in the archive"),
        (archive(GOOD, PICTURE, ("/etc/passwd", b"x")), "/etc/passwd: Must be"),
        (archive(GOOD, PICTURE, ("b/./c", b"x")), "b/./c: Must be"),
        (archive(GOOD, PICTURE, ("c:x", b"x")), "c:x: Must be"),
        (renamed(archive(GOOD, PICTURE, ("b_c", b"x")), b"b_c", b"b\\c"), "b\\c: Must be"),
        (renamed(archive(GOOD, ("a.png_x", picture())), b"a.png_x", b"a.png\0x"), "a.png\0x: Must be"),
        (archive(GOOD, with_mode("a.png", stat.S_IFLNK | 0o777)), "a.png: Is a link"),
        (archive(GOOD, with_mode("a.png", stat.S_IFIFO | 0o644)), "a.png: Is a link or a device"),
        (renamed(archive(GOOD, PICTURE, ("b.png", picture("red"))), b"b.png", b"a.png"), "a.png: Stands in the archive twice"),
        (archive(GOOD, PICTURE, ("A.PNG", picture("red"))), "A.PNG: Stands in the archive twice"),
        (archive(GOOD, *((f"{number}.png", b"") for number in range(200))), "more than 200 entries"),
        (archive(GOOD, ("a.png", b"\0" * 10_000_000)), "a.png: Unpacks to more than 100 times its size"),
        (archive(GOOD, PICTURE, compression=zipfile.ZIP_LZMA), "design.json: Is compressed in an unusual way"),
        (claimed(archive(GOOD, PICTURE), FLAGS, 1), "a.png: Is encrypted"),
        (claimed(archive(GOOD, PICTURE), SIZE, 2**31), "a.png: Unpacks to more than"),
        (claimed(archive(GOOD, PICTURE), SIZE, 10), "a.png: Cannot be unpacked"),
        (archive(GOOD, PICTURE)[:-30], "broken or incomplete"),
        (b"PK\x03\x04", "broken or incomplete"),
        (b"PK\x05\x06" + b"\0" * 18, "There is no design.json"),
    ],
)  # fmt: skip
def test_an_archive_that_cannot_be_used_is_told_with_its_entry(content, told):
    with pytest.raises(Invalid) as failure:
        unpack(content)
    assert told in failure.value.message


def test_an_archive_is_not_unpacked_beyond_its_limit():
    content = archive(GOOD, *((f"{n}.png", b"\0" * 11_000_000) for n in range(5)), compression=zipfile.ZIP_STORED)
    with pytest.raises(Invalid, match="larger than 50 MiB when unpacked"):
        unpack(content)


def test_an_archive_of_a_faulty_design_leaves_nothing_behind(api, platform):
    before = len(api("GET", "/designs")["data"])
    wrong = archive(("design.json", design_json("a.png").replace(b'"height": 60', b'"height": 6000')), PICTURE)
    details = api("POST", "/designs/import", status=400, content=wrong)["error"]["details"]
    assert details[0]["path"] == ["design.json", "document", "page", "height"]
    api("POST", "/designs/import", status=413, content=b"PK" + b"\0" * (50 * 1024 * 1024))
    assert len(api("GET", "/designs")["data"]) == before
    with pytest.raises(InvalidJSON):
        unpack(archive(("design.json", b"{")))


def test_bytes_that_were_changed_anywhere_are_refused_or_read():
    """Whatever is broken, it is told as the client's fault."""
    whole = pack(parse_design_file(design_json("a.png")), {"a.png": picture()})
    for at in range(0, len(whole), 3):
        broken = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        try:
            unpack(broken)
        except (Invalid, InvalidJSON):
            continue


def test_a_packages_name_is_safe_in_a_header():
    assert package_name('Evil"\r\nX: y') == "evil-x-y.design.zip"
    assert package_name("../../etc") == "etc.design.zip"
    assert package_name("x" * 300) == "x" * 60 + ".design.zip"
