"""Which storage an address means, and what is said of one that cannot be used."""

import os
import subprocess
import sys

import pytest

from testamur.config import BadSetting, read_settings
from testamur.storage.address import BucketAddress, parse_bucket_address
from testamur.storage.bucket import Bucket, _config
from testamur.storage.folder import Folder
from testamur.storage.opening import open_storage
from testamur.web.platform import storage_of


def address(**given):
    usual = {"bucket": "files", "prefix": "", "endpoint": "", "region": "", "is_path_style": False}
    return BucketAddress(**{**usual, **given})


@pytest.mark.parametrize(
    ("url", "expected", "place"),
    [
        ("s3://files", address(), "s3://files/"),
        ("s3://files/", address(), "s3://files/"),
        ("s3://files/a/b/?region=eu-central-1", address(prefix="a/b", region="eu-central-1"), "s3://files/a/b/"),
        ("s3://my.files", address(bucket="my.files", is_path_style=True), "s3://my.files/"),
        (
            "s3://files/a?endpoint=http://127.0.0.1:9000/",
            address(prefix="a", endpoint="http://127.0.0.1:9000", is_path_style=True),
            "http://127.0.0.1:9000/files/a/",
        ),
        (
            "s3://files?endpoint=https%3A%2F%2Fs3.example.org&path_style=false",
            address(endpoint="https://s3.example.org"),
            "https://s3.example.org/files/",
        ),
    ],
)
def test_an_address_is_understood(url, expected, place):
    assert parse_bucket_address(url) == expected
    assert expected.place == place


def test_plain_http_is_used_only_where_the_address_says_so():
    assert parse_bucket_address("s3://files?endpoint=http://minio:9000").is_plain_http
    assert not parse_bucket_address("s3://files?endpoint=https://minio:9000").is_plain_http
    assert not parse_bucket_address("s3://files").is_plain_http


def test_a_bucket_with_a_name_of_its_own_is_asked_under_it():
    config = _config(parse_bucket_address("s3://files?endpoint=https://s3.example.org:9000&path_style=false"))
    assert config["aws_endpoint_url_s3"] == "https://files.s3.example.org:9000"
    config = _config(parse_bucket_address("s3://files?endpoint=https://s3.example.org:9000"))
    assert config["aws_endpoint_url_s3"] == "https://s3.example.org:9000"
    assert not config["virtual_hosted_style_request"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("files", "must start with s3:// or file:///"),
        ("gs://files", "must start with s3:// or file:///"),
        ("file://host/files", "must be file:///PATH"),
        ("file:///", "must be file:///PATH"),
        ("file:///a?b=c", "must be file:///PATH"),
        ("s3://", "must name a bucket"),
        ("s3://a", "must name a bucket"),
        ("s3://files:9000/a", "must name a bucket"),
        ("s3://files/a/../b", "must have a prefix of plain names"),
        ("s3://files/a b", "must have a prefix of plain names"),
        ("s3://files#a", "must be s3://BUCKET"),
        ("s3://me:hunter2@files", "must not hold credentials; they belong in TESTAMUR_STORAGE_ACCESS_KEY"),
        ("s3://files?secret_key=hunter2", "may have the options endpoint, region, path_style, once each"),
        ("s3://files?region=a&region=b", "may have the options endpoint, region, path_style, once each"),
        ("s3://files?region=hunter2!", "must have a region such as eu-central-1"),
        ("s3://files?path_style=yes", "must have path_style=true or path_style=false"),
        ("s3://files?endpoint=", "must have an endpoint such as https://s3.example.org"),
        ("s3://files?endpoint=s3.example.org", "must have an endpoint such as https://s3.example.org"),
        ("s3://files?endpoint=ftp://s3.example.org", "must have an endpoint such as https://s3.example.org"),
        ("s3://files?endpoint=https://me:hunter2@s3.example.org", "must have an endpoint such as"),
        ("s3://files?endpoint=https://[::1", "must have an endpoint such as"),
        ("s3://files?endpoint=https://h/?x=hunter2", "must have an endpoint such as"),
        ("s3://[files", "must name a bucket"),
    ],
)
def test_an_address_that_cannot_be_used_stops_the_start_with_one_line(url, message, tmp_path):
    settings = read_settings({"TESTAMUR_STORAGE_URL": url, "TESTAMUR_DATA_DIR": str(tmp_path)})
    with pytest.raises(BadSetting) as caught:
        storage_of(settings)
    assert str(caught.value).startswith(f"TESTAMUR_STORAGE_URL cannot be used: it {message}")
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_keys_are_given_both_or_none_and_may_stand_in_files(tmp_path):
    (tmp_path / "secret").write_text("hunter2\n", encoding="utf-8")
    environment = {"TESTAMUR_STORAGE_URL": "s3://files", "TESTAMUR_STORAGE_SECRET_KEY_FILE": str(tmp_path / "secret")}
    with pytest.raises(BadSetting, match="belong together; set both or none") as caught:
        storage_of(read_settings(environment))
    assert "hunter2" not in str(caught.value)
    settings = read_settings({**environment, "TESTAMUR_STORAGE_ACCESS_KEY": "AKID"})
    assert (settings.storage_access_key, settings.storage_secret_key) == ("AKID", "hunter2")
    storage = storage_of(settings)
    assert isinstance(storage, Bucket)
    assert "hunter2" not in f"{storage._store!r} {storage._store.config}"


def test_without_a_url_files_are_kept_in_the_data_folder(tmp_path):
    default = storage_of(read_settings({"TESTAMUR_DATA_DIR": str(tmp_path)}))
    assert default.place == f"{tmp_path}/files/"
    elsewhere = open_storage(f"file://{tmp_path}/with%20space", tmp_path)
    assert isinstance(elsewhere, Folder)
    elsewhere.write("a", b"x")
    assert (tmp_path / "with space" / "a").read_bytes() == b"x"


def test_without_the_extra_a_bucket_is_refused_with_what_to_install_and_a_folder_works(tmp_path):
    code = (
        "import sys; sys.modules['obstore'] = None\n"
        "from testamur.cli import main\n"
        "sys.argv = ['testamur', 'migrate']\n"
        "main()\n"
    )
    environment = {**os.environ, "TESTAMUR_DATA_DIR": str(tmp_path)}

    def run(**more):
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert run().returncode == 0
    done = run(TESTAMUR_STORAGE_URL="s3://files")
    assert done.returncode == 2
    assert done.stderr == (
        "testamur: TESTAMUR_STORAGE_URL cannot be used: it needs a package that is not installed: "
        "pip install 'testamur[s3]'\n"
    )
