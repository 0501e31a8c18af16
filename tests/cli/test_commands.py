"""What operators script against: output, errors and exit codes of the commands."""

import json
import subprocess
import sys
import zipfile

import click
import pytest
from PIL import Image

from testamur.cli.command import COMMANDS
from testamur.cli.command import testamur as command
from testamur.clock import now
from testamur.config import Settings
from testamur.credential_templates.editing import create_credential_template
from testamur.web.platform import open_platform
from testamur.workspaces.queries import list_workspaces


def test_help_reads_well_and_every_command_has_some(testamur):
    shown = testamur("--help").stdout
    for name in ("serve", "migrate", "bootstrap", "workspace", "token", "design", "issue", "download"):
        assert name in shown
        assert "Usage: testamur" in testamur(name, "--help").stdout
    # A summary that click had to cut ends in three dots.
    assert not [
        line
        for line in shown.split("Commands:")[1].splitlines()
        if line.startswith("  ") and "..." in line and "TESTAMUR" not in line
    ]
    assert testamur("--version").stdout.startswith("testamur, version ")


def test_the_list_of_commands_tells_of_each_what_its_own_help_does():
    root = click.Context(command)
    for name, (_, summary) in COMMANDS.items():
        assert command.get_command(root, name).get_short_help_str(limit=100) == summary
    assert list(COMMANDS) == sorted(COMMANDS)


def test_help_loads_no_more_than_it_needs():
    program = "import sys; from testamur.cli import main\ntry:\n    main(['--help'])\nfinally:\n    print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not {"sqlalchemy", "starlette", "PIL", "typst"} & set(done.stdout.split())


def test_a_process_prints_and_ends_as_the_command_does(testamur_process):
    made = json.loads(testamur_process("bootstrap", "--json").stdout)
    assert made["token"].startswith("tst_")
    assert testamur_process("token", "revoke", made["workspace"]["id"], exit_code=1).stderr == (
        "testamur: There is no such access token in force in this workspace\n"
    )
    assert "No such command" in testamur_process("nonsense", exit_code=2).stderr


def test_bootstrap_prints_one_object_and_a_repeat_only_makes_a_new_token(testamur, set_up):
    assert sorted(set_up) == ["designs", "owner", "token", "urls", "workspace"]
    assert sorted(set_up["owner"]) == ["email", "password"]
    assert sorted(set_up["workspace"]) == ["id", "name", "slug"]
    assert [(sorted(design), design["type"]) for design in set_up["designs"]] == [
        (["id", "name", "type"], "certificate"),
        (["id", "name", "type"], "badge"),
    ]
    assert set_up["urls"] == {
        "api": "http://127.0.0.1:8000/v1",
        "dashboard": "http://127.0.0.1:8000/sign-in",
        "wallet": "http://127.0.0.1:8000/credentials",
    }
    again = json.loads(testamur("bootstrap", "--json").stdout)
    assert again.pop("token") != set_up["token"]
    assert again == {name: value for name, value in set_up.items() if name != "token"} | {"owner": None}
    assert "Access token" in testamur("bootstrap").stdout


def test_tokens_are_made_listed_and_revoked(testamur, set_up):
    made = json.loads(testamur("token", "create", "For the shop", "--json").stdout)
    assert made["token"].startswith("tst_")
    listed = json.loads(testamur("token", "list", "--json").stdout)
    assert [token["name"] for token in listed] == ["bootstrap", "For the shop"]
    assert made["token"] not in json.dumps(listed)
    assert made["token"] not in testamur("token", "list").stdout
    testamur("token", "revoke", made["id"])
    assert json.loads(testamur("token", "list", "--json").stdout)[1]["revokedAt"] is not None
    again = testamur("token", "revoke", made["id"], exit_code=1)
    assert again.stderr == "testamur: There is no such access token in force in this workspace\n"


def test_a_second_workspace_must_be_named_in_commands(testamur, set_up):
    made = json.loads(testamur("workspace", "create", "Żółw Academy", "--time-zone", "Europe/Warsaw", "--json").stdout)
    assert made["slug"] == "zolw-academy"
    listed = json.loads(testamur("workspace", "list", "--json").stdout)
    assert [workspace["slug"] for workspace in listed] == ["default", "zolw-academy"]
    assert "zolw-academy" in testamur("workspace", "list").stdout
    assert "--workspace" in testamur("token", "list", exit_code=2).stderr
    assert json.loads(testamur("token", "list", "--workspace", "zolw-academy", "--json").stdout) == []
    assert "no workspace nope" in testamur("token", "list", "--workspace", "nope", exit_code=1).stderr
    assert "slug" in testamur("workspace", "create", "Other", "--slug", "default", exit_code=1).stderr.lower()
    assert "time zone" in testamur("workspace", "create", "x", "--time-zone", "Mars", exit_code=1).stderr.lower()


def test_a_design_is_imported_or_told_why_not(testamur, set_up, tmp_path):
    document = {"version": 1, "page": {"size": "A4"}, "elements": []}
    file = tmp_path / "design.json"
    file.write_text(json.dumps({"name": "Plain", "type": "certificate", "document": document}))
    made = json.loads(testamur("design", "import", file, "--json").stdout)
    assert (made["name"], made["type"]) == ("Plain", "certificate")
    assert "Added the certificate design Plain" in testamur("design", "import", file).stdout
    document["page"]["sice"] = "A4"
    file.write_text(json.dumps({"name": "Plain", "type": "certificate", "document": document}))
    told = testamur("design", "import", file, exit_code=1).stderr
    assert told == "testamur: document.page.sice: Is not a member; did you mean size?\n"


def test_a_certificate_to_sign_pdfs_with_is_set_shown_and_removed(testamur, set_up, authority, tmp_path):
    key = authority.new_key("p-256")
    file, password, wrong = tmp_path / "signing.p12", tmp_path / "password", tmp_path / "wrong"
    file.write_bytes(authority.pkcs12(key, authority.certificate(key), "geheim ü"))
    password.write_text("geheim ü\n", encoding="utf-8")
    wrong.write_text("geheim\n", encoding="utf-8")
    words = ("workspace", "certificate", "default")
    told = testamur(*words, file, "--password-file", wrong, exit_code=1).stderr
    assert told == "testamur: password: Does not open the file\n"
    made = json.loads(testamur(*words, file, "--password-file", password, "--json").stdout)
    assert (made["subject"], made["issuer"]) == ("CN=Meridian Institute,C=PL", "CN=Test CA,C=PL")
    assert "signs PDFs as CN=Meridian Institute,C=PL until 2126-" in testamur(*words).stdout
    assert testamur(*words, "--remove").stdout == "default signs PDFs no more\n"
    assert "no certificate" in testamur(*words, exit_code=1).stderr


def test_migrate_tells_what_it_did(testamur):
    assert testamur("migrate").stdout.startswith("Applied 0001")
    assert testamur("migrate").stdout == "The database is up to date\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "exit_code", "told"),
    [
        (["nonsense"], {}, 2, "No such command"),
        (["token"], {}, 2, "Usage"),
        (["serve", "--port", "99999"], {}, 2, "--port"),
        (["migrate"], {"TESTAMUR_DATABSE_URL": "x"}, 2, "did you mean TESTAMUR_DATABASE_URL?"),
        (["migrate"], {"TESTAMUR_DATA_DIR": "/dev/null/x"}, 2, "TESTAMUR_DATA_DIR cannot be used"),
        (["migrate"], {"TESTAMUR_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/n"}, 1, "database cannot be used"),
        (["token", "list"], {}, 1, "There is no workspace yet"),
    ],
)
def test_a_wrong_call_is_told_on_stderr_with_its_exit_code(testamur, arguments, environment, exit_code, told):
    done = testamur(*arguments, exit_code=exit_code, **environment)
    assert told in done.stderr
    assert "hunter2" not in done.stderr
    assert done.stdout == ""


def test_a_design_is_exported_and_imported_as_one_file(testamur, set_up, tmp_path):
    Image.new("RGB", (8, 8), "navy").save(tmp_path / "logo.png")
    image = {"type": "image", "x": 0, "y": 0, "width": 10, "height": 10, "source": "logo.png"}
    document = {"version": 1, "page": {"width": 100, "height": 60}, "elements": [image]}
    (tmp_path / "design.json").write_text(json.dumps({"name": "Ours", "type": "badge", "document": document}))
    made = json.loads(testamur("design", "import", tmp_path / "design.json", "--json").stdout)
    out = tmp_path / "out" / "ours.design.zip"
    assert "Wrote the badge design Ours" in testamur("design", "export", made["id"].upper(), "--out", out).stdout
    (tmp_path / "logo.png").unlink()
    again = json.loads(testamur("design", "import", out, "--json").stdout)
    assert (again["name"], again["type"]) == ("Ours", "badge")
    assert again["id"] != made["id"]
    first = out.read_bytes()
    testamur("design", "export", again["id"], "--out", out)
    assert out.read_bytes() == first
    testamur("workspace", "create", "Rival")
    told = testamur("design", "export", made["id"], "--out", out, "--workspace", "rival", exit_code=1).stderr
    assert "The workspace rival has no design" in told
    assert (
        "has no design nonsense"
        in testamur("design", "export", "nonsense", "--out", out, "--workspace", "rival", exit_code=1).stderr
    )


def test_a_template_is_downloaded_into_one_zip_or_nothing_is_written(testamur, set_up, tmp_path):
    sheet, out = tmp_path / "people.csv", tmp_path / "all.zip"
    sheet.write_text("recipient.name,external_id\nAda Lovelace,1\nŻółć,2\nAda Lovelace,3\n", encoding="utf-8")
    template_id = make_template(tmp_path / "data", set_up["designs"][0]["id"])
    empty = testamur("download", "--template", template_id, "--out", out, exit_code=1)
    assert "no such credential" in empty.stderr
    testamur("issue", sheet, "--template", template_id, "--out", tmp_path / "pdfs", "--no-pdf")
    wrong = testamur("download", "--template", template_id, "--out", out, "--name", "[nope.x]", exit_code=1)
    assert "name: There is no attribute [nope.x]" in wrong.stderr
    assert "no credential template" in testamur("download", "--template", "x", "--out", out, exit_code=1).stderr
    missing = tmp_path / "missing" / "all.zip"
    assert "No such file" in testamur("download", "--template", template_id, "--out", missing, exit_code=1).stderr
    assert not list(tmp_path.glob("*all.zip*")) and not list(tmp_path.glob(".*"))
    name = "[recipient.name], [group.name]"
    done = testamur("download", "--template", template_id, "--out", out, "--name", name)
    assert done.stdout == f"Wrote 3 files to {out}, 0 could not be rendered\n"
    assert "Downloading" in done.stderr
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        names = ["Ada Lovelace, Course (2).pdf", "Ada Lovelace, Course.pdf", "results.csv", "Żółć, Course.pdf"]
        assert sorted(archive.namelist()) == names
    assert not list(tmp_path.glob(".*"))


def make_template(data_dir, design_id):
    platform = open_platform(Settings(data_dir=data_dir))
    with platform.database.write() as tx:
        (workspace,) = list_workspaces(tx)
        made = create_credential_template(tx, workspace.id, name="Course", design_ids=[design_id], at=now())
    platform.close()
    return made.id


def test_a_design_of_the_gallery_is_added_or_told_why_not(testamur, set_up):
    listed = json.loads(testamur("design", "gallery", "--json").stdout)
    assert {"name": "round-badge", "title": "Round badge", "type": "badge"} in listed
    assert "round-badge" in testamur("design", "gallery").stdout
    made = json.loads(testamur("design", "add", "round-badge", "--json").stdout)
    assert (made["name"], made["type"]) == ("Round badge", "badge")
    assert "Added the certificate design Event ticket" in testamur("design", "add", "ticket").stdout
    assert "it has certificate, badge" in testamur("design", "add", "nothing", exit_code=1).stderr


def test_a_workspace_is_renamed_and_goes_by_its_old_slug_too(testamur, set_up):
    changed = json.loads(
        testamur(
            "workspace", "update", "default", "--slug", "meridian", "--name", "Meridian", "--email", "a@b.example",
            "--website", "https://b.example", "--description", "By the sea.", "--logo", "https://b.example/l.png",
            "--json",
        ).stdout
    )  # fmt: skip
    assert changed == {
        "id": set_up["workspace"]["id"],
        "slug": "meridian",
        "name": "Meridian",
        "website": "https://b.example",
        "email": "a@b.example",
        "description": "By the sea.",
        "logo": "https://b.example/l.png",
    }
    cleared = json.loads(testamur("workspace", "update", "default", "--email", "", "--json").stdout)
    assert (cleared["email"], cleared["website"]) == (None, "https://b.example")
    assert testamur("workspace", "update", "meridian").stdout == "meridian is Meridian\n"
    again = json.loads(testamur("bootstrap", "--json").stdout)
    assert again["workspace"] == {"id": changed["id"], "name": "Meridian", "slug": "meridian"}
    assert "slug" in testamur("workspace", "create", "Default", exit_code=1).stderr
    assert "logo_url" in testamur("workspace", "update", "meridian", "--logo", "l.png", exit_code=1).stderr
