"""`testamur storage copy`, as an operator calls it."""

import json

import pytest

from testamur.storage.folder import Folder

KEYS = {"TESTAMUR_STORAGE_ACCESS_KEY": "AKIDSECRET", "TESTAMUR_STORAGE_SECRET_KEY": "hunter2-hunter2"}


def test_files_are_copied_to_a_bucket_and_from_it_to_a_folder(testamur, bucket_url, tmp_path):
    Folder(tmp_path / "data" / "files").write("assets/w/1", b"one")
    Folder(tmp_path / "data" / "files").write("assets/w/2", b"two!")
    done = testamur("storage", "copy", "--to", bucket_url, "--json", **KEYS)
    told = json.loads(done.stdout)
    server = bucket_url.partition("endpoint=")[2].partition("&")[0]
    name = bucket_url.removeprefix("s3://").partition("/")[0]
    assert told == {
        "from": f"{tmp_path}/data/files/",
        "to": f"{server}/{name}/our/files/",
        "copied": 2,
        "skipped": 0,
        "size_bytes": 7,
    }
    back = testamur("storage", "copy", "--to", f"file://{tmp_path}/back", **KEYS, TESTAMUR_STORAGE_URL=bucket_url)
    assert back.stdout == f"Copied 2 files (7 bytes) to {tmp_path}/back/, 0 were there\n"
    assert (tmp_path / "back" / "assets" / "w" / "2").read_bytes() == b"two!"
    again = testamur("storage", "copy", "--to", bucket_url, **KEYS)
    assert again.stdout.endswith("our/files/, 2 were there\n")


@pytest.mark.parametrize(
    ("to", "environment", "exit_code", "told"),
    [
        ("s3://files?secret=hunter2", {}, 2, "--to: it may have the options endpoint, region, path_style, once each"),
        ("gs://files", {}, 2, "--to: it must start with s3:// or file:///"),
        ("s3://files", {"TESTAMUR_STORAGE_SECRET_KEY": "hunter2"}, 2, "belong together"),
        ("s3://files", {"TESTAMUR_STORAGE_URL": "s3://x"}, 2, "TESTAMUR_STORAGE_URL cannot be used: it must name"),
        ("file:///dev/null/x", {}, 1, "The folder /dev/null/x cannot be made: Not a directory"),
        ("s3://files?endpoint=http://127.0.0.1:1", KEYS, 1, "its server cannot be connected to"),
    ],
)
def test_a_copying_that_cannot_be_is_told_with_its_exit_code(testamur, tmp_path, to, environment, exit_code, told):
    Folder(tmp_path / "data" / "files").write("assets/w/1", b"one")
    done = testamur("storage", "copy", "--to", to, exit_code=exit_code, **environment)
    assert told in done.stderr
    assert "hunter2" not in done.stderr
    assert "AKIDSECRET" not in done.stderr
    assert done.stdout == ""


def test_a_server_does_not_start_on_a_bucket_that_it_cannot_write_to(testamur_process, s3_server):
    for command in (("serve", "--port", "1"), ("worker",)):
        url = f"s3://there-is-none?endpoint={s3_server}"
        done = testamur_process(*command, exit_code=1, **KEYS, TESTAMUR_STORAGE_URL=url)
        assert "testamur: The bucket of files cannot be used now: there is no such bucket\n" in done.stderr
        assert f"{s3_server}/there-is-none/" in done.stderr
        assert done.stdout == ""
