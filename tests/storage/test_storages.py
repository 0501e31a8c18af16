"""What holds of every storage: a folder, and a bucket on a server that speaks the protocol of S3."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from testamur.errors import Unavailable
from testamur.storage.address import parse_bucket_address
from testamur.storage.bucket import Bucket
from testamur.storage.folder import Folder
from testamur.storage.opening import open_storage

BIG = bytes(range(256)) * 4096 * 20
KEYS = {"access_key": "AKIDSECRET", "secret_key": "hunter2-hunter2"}


def bucket_at(url, **options):
    return Bucket(parse_bucket_address(url), **{**KEYS, **options})


@pytest.fixture(params=["folder", "bucket"])
def storage(request, tmp_path):
    if request.param == "folder":
        return open_storage(None, tmp_path)
    return open_storage(request.getfixturevalue("bucket_url"), tmp_path, **KEYS)


def keys(storage):
    return sorted(file.key for file in storage.files())


def test_what_was_written_is_read_and_what_was_not_is_none(storage):
    assert storage.read("assets/w/1") is None
    assert storage.open("assets/w/1") is None
    assert storage.size_bytes("assets/w/1") is None
    storage.write("assets/w/1", b"one")
    storage.write("assets/w/2", b"")
    assert storage.read("assets/w/1") == b"one"
    assert storage.read("assets/w/2") == b""
    assert (storage.size_bytes("assets/w/1"), storage.size_bytes("assets/w/2")) == (3, 0)
    with storage.open("assets/w/1") as file:
        assert (file.read(2), file.seek(0), file.read()) == (b"on", 0, b"one")
    # A folder is not a file.
    assert keys(storage) == ["assets/w/1", "assets/w/2"]


def test_writing_again_gives_the_newer_bytes(storage):
    storage.write("a.pdf", b"long and old")
    storage.write("a.pdf", b"new")
    assert storage.read("a.pdf") == b"new"
    assert [(file.key, file.size_bytes) for file in storage.files()] == [("a.pdf", 3)]


def test_deleting_a_folder_leaves_those_whose_names_begin_alike(storage):
    for key in ("a/b/1.png", "a/b/c/2.png", "a/bc/3.png", "a/b.png", "a/d", "b"):
        storage.write(key, b"x")
    storage.delete_all("a/b")
    assert keys(storage) == ["a/b.png", "a/bc/3.png", "a/d", "b"]
    storage.delete_all("a/d")
    storage.delete_all("a/d")
    storage.delete_all("nothing/here")
    assert keys(storage) == ["a/b.png", "a/bc/3.png", "b"]
    assert storage.read("a/b/c/2.png") is None


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".a", "a/.b", "a b", "ä", "a\\b", "a\n", "a%2fb"],
)
def test_a_name_that_could_lead_elsewhere_is_refused_by_every_method(storage, key):
    for call in (
        storage.read,
        storage.open,
        storage.size_bytes,
        storage.delete_all,
        lambda key: storage.write(key, b""),
    ):
        with pytest.raises(ValueError, match="not a storage key"):
            call(key)
    assert keys(storage) == []


def test_a_big_file_is_read_bit_by_bit_and_as_a_whole(storage):
    storage.write("imports/w/1", BIG)
    assert storage.size_bytes("imports/w/1") == len(BIG)
    with storage.open("imports/w/1") as file:
        for start in range(0, len(BIG), 1024 * 1024):
            assert file.read(1024 * 1024) == BIG[start : start + 1024 * 1024]
        assert file.read(1) == b""
        file.seek(len(BIG) // 2)
        assert file.readline() == bytes(range(11))
    assert storage.read("imports/w/1") == BIG


def test_more_files_than_a_page_are_listed_and_deleted(storage, request):
    wanted = [f"credentials/w/{number}" for number in range(1500)]
    if isinstance(storage, Bucket):
        # Straight into the server, which shares this process: a request for each would take most of the time.
        address = parse_bucket_address(request.getfixturevalue("bucket_url"))
        for key in wanted:
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(address.bucket, f"{address.prefix}/{key}", b"x")
    else:
        for key in wanted:
            storage.write(key, b"x")
    storage.write("credentials/w2/1", b"x")
    assert keys(storage) == sorted([*wanted, "credentials/w2/1"])
    storage.delete_all("credentials/w")
    assert keys(storage) == ["credentials/w2/1"]


def test_threads_that_write_and_read_one_key_see_whole_files_only(storage):
    versions = [bytes([65 + number]) * (50_000 + number) for number in range(8)]
    storage.write("k", versions[0])

    def work(number):
        for _ in range(10):
            storage.write("k", versions[number])
            assert storage.read("k") in versions
            with storage.open("k") as file:
                assert file.read() in versions

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert keys(storage) == ["k"]


def test_a_storage_that_works_passes_the_check_and_lists_nothing_of_it(storage):
    storage.check()
    storage.check()
    assert keys(storage) == []


def test_a_write_that_fails_leaves_no_part_of_the_file(tmp_path):
    storage = Folder(tmp_path)
    storage.write("a/b", b"old")
    with pytest.raises(TypeError):
        storage.write("a/b", "not bytes")
    assert storage.read("a/b") == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be made: Not a directory"):
        Folder(tmp_path / "file" / "files").check()


def test_two_prefixes_of_a_bucket_do_not_see_each_other(bucket_url):
    ours, theirs = bucket_at(bucket_url), bucket_at(bucket_url.replace("/our/files", "/our/files2"))
    whole = bucket_at(bucket_url.replace("/our/files", ""))
    ours.write("a", b"ours")
    theirs.write("a", b"theirs")
    assert (ours.read("a"), theirs.read("a"), keys(ours)) == (b"ours", b"theirs", ["a"])
    assert keys(whole) == ["our/files/a", "our/files2/a"]


def everything(storage):
    return {
        "read": lambda: storage.read("a"),
        "open": lambda: storage.open("a"),
        "size_bytes": lambda: storage.size_bytes("a"),
        "write": lambda: storage.write("a", b"x"),
        "delete_all": lambda: storage.delete_all("a"),
        "files": lambda: list(storage.files()),
        "check": storage.check,
    }


def failures(storage):
    """What each method raises, once it has. Nothing of the keys is in it."""
    told = {}
    for name, call in everything(storage).items():
        try:
            call()
        except Unavailable as failure:
            told[name] = failure.message
            assert KEYS["access_key"] not in failure.message
            assert KEYS["secret_key"] not in failure.message
            assert failure.__cause__ is None
            assert failure.__suppress_context__
    return told


def test_a_server_that_is_away_is_told_within_moments():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{probe.getsockname()[1]}"
    storage = bucket_at(f"s3://files?endpoint={endpoint}")
    started = time.monotonic()
    told = failures(storage)
    assert time.monotonic() - started < 20
    assert set(told) == set(everything(storage))
    assert set(told.values()) == {"The bucket of files cannot be used now: its server cannot be connected to"}


@contextmanager
def answering(answer):
    """The address of a server that gives each connection these bytes and ends it; with None it stays silent."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        held = []

        def serve():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                held.append(connection)
                if answer is not None:
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "its server does not answer in time"),
        (b"what is this\r\n", "the request failed"),
        (
            b"HTTP/1.1 503 Slow Down\r\nContent-Length: 27\r\nConnection: close\r\n\r\n<Code>SlowDown</Code>AKID..",
            "its server answers SlowDown",
        ),
        # A body that ends too early: half a file must not be taken for one.
        (
            b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nETag: "x"\r\nLast-Modified: Tue, 24 Nov 2026 12:00:00 GMT\r\n\r\nabc',
            "the request failed",
        ),
    ],
)
def test_a_server_that_misbehaves_is_told_within_bounds(answer, reason):
    with answering(answer) as endpoint:
        storage = bucket_at(f"s3://files?endpoint={endpoint}", answer_seconds=0.3)
        for call in (lambda: storage.read("a"), lambda: storage.open("a")):
            started = time.monotonic()
            with pytest.raises(Unavailable) as caught:
                call()
            assert caught.value.message.endswith(f"now: {reason}")
            assert time.monotonic() - started < 10


def test_a_bucket_that_is_not_there_is_told_and_not_taken_for_an_empty_one(bucket_url):
    name = parse_bucket_address(bucket_url).bucket
    storage = bucket_at(bucket_url.replace(name, "there-is-none"))
    told = failures(storage)
    # The answer to a question for the length has no words, so a missing bucket cannot be told from a missing file.
    assert set(told) == set(everything(storage)) - {"size_bytes"}
    assert {message.partition(" now: ")[2] for message in told.values()} == {"there is no such bucket"}


@contextmanager
def asking_for_credentials(s3_server):
    """The server knows no access key, and from now on asks for one."""
    assert httpx2.post(f"{s3_server}/moto-api/reset-auth", content="0").status_code == 200
    try:
        yield
    finally:
        httpx2.post(f"{s3_server}/moto-api/reset-auth", content="inf")


def test_wrong_credentials_are_told_without_repeating_them(s3_server, bucket_url):
    storage = bucket_at(bucket_url)
    storage.write("a", b"x")
    with asking_for_credentials(s3_server):
        told = failures(storage)
        assert set(told) == set(everything(storage))
        assert all("now: it refuses the credentials" in message for message in told.values())
        assert told["write"].endswith("(InvalidAccessKeyId)")
    assert storage.read("a") == b"x"


def test_keys_that_are_given_go_before_those_of_the_environment(s3_server, bucket_url, monkeypatch):
    sent = []
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token-of-another-identity")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve():
            connection, _ = listening.accept()
            with connection:
                sent.append(connection.recv(65536).decode())
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert bucket_at(f"s3://files?endpoint={endpoint}").read("a") is None
        thread.join(10)
    (request,) = sent
    assert f"Credential={KEYS['access_key']}/" in request
    assert "x-amz-security-token" not in request
    assert KEYS["secret_key"] not in request


def test_the_check_writes_once_and_again_if_somebody_removed_what_it_wrote(bucket_url):
    storage, address = bucket_at(bucket_url), parse_bucket_address(bucket_url)
    server, probe = s3_backends[DEFAULT_ACCOUNT_ID]["aws"], f"{address.prefix}/.writable"
    storage.check()
    first = server.get_object(address.bucket, probe).last_modified
    storage.check()
    assert server.get_object(address.bucket, probe).last_modified == first
    server.delete_object(address.bucket, probe)
    storage.check()
    assert server.get_object(address.bucket, probe) is not None
