"""All files of one storage into another one."""

import pytest

from testamur.errors import Conflict, Unavailable
from testamur.storage.bucket import Bucket
from testamur.storage.copying import Copied, copy_files
from testamur.storage.folder import Folder
from testamur.storage.opening import open_storage

KEYS = {"access_key": "AKID", "secret_key": "secret"}


def content(storage):
    return {file.key: storage.read(file.key) for file in storage.files()}


@pytest.fixture
def folder(tmp_path):
    storage = Folder(tmp_path / "files")
    for number in range(40):
        storage.write(f"credentials/w/{number}/a.png", bytes([number % 251]) * number)
    # What a crash left of a write is nobody's file.
    (tmp_path / "files" / "credentials" / ".x.part").write_bytes(b"half")
    return storage


def test_files_go_to_a_bucket_and_back_and_a_repeat_skips_them(folder, bucket_url, tmp_path):
    bucket = open_storage(bucket_url, tmp_path, **KEYS)
    bucket.write("already/here", b"x")
    seen = []
    size = sum(range(40))
    assert copy_files(folder, bucket, lambda: seen.append(1)) == Copied(copied=40, skipped=0, size_bytes=size)
    assert len(seen) == 40
    assert content(bucket) == {**content(folder), "already/here": b"x"}

    folder.write("new", b"new")
    folder.write("credentials/w/7/a.png", b"of another length")
    assert copy_files(folder, bucket, lambda: None) == Copied(copied=2, skipped=39, size_bytes=20)

    back = Folder(tmp_path / "back")
    assert copy_files(bucket, back, lambda: None).copied == 42
    assert content(back) == content(bucket)


def test_a_copying_that_was_ended_is_gone_on_with(folder, tmp_path):
    target = Folder(tmp_path / "target")
    for number in range(600):
        folder.write(f"more/{number}", b"x")
    left = iter(range(40))

    def end():
        if next(left, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_files(folder, target, end)
    done = len(content(target))
    assert 40 <= done < 600
    assert copy_files(folder, target, lambda: None).skipped == done
    assert content(target) == content(folder)


def test_a_file_that_goes_while_it_is_copied_is_left_out(tmp_path):
    class Losing(Folder):
        def read(self, key):
            return None if key == "gone" else super().read(key)

    source = Losing(tmp_path / "files")
    source.write("gone", b"x")
    source.write("stays", b"y")
    target = Folder(tmp_path / "target")
    assert copy_files(source, target, lambda: None) == Copied(copied=1, skipped=0, size_bytes=1)
    assert content(target) == {"stays": b"y"}


def test_a_place_within_the_other_is_refused_because_the_copying_would_find_its_own_files(folder, bucket_url, tmp_path):
    for target in (tmp_path / "files", tmp_path / "files" / "more", tmp_path):
        with pytest.raises(Conflict, match="one lies within the other"):
            copy_files(folder, Folder(target), lambda: None)
    assert copy_files(folder, Folder(tmp_path / "files2"), lambda: None).copied == 40
    bucket = open_storage(bucket_url, tmp_path, **KEYS)
    inner = open_storage(bucket_url.replace("/our/files", "/our/files/more"), tmp_path, **KEYS)
    beside = open_storage(bucket_url.replace("/our/files", "/our/files2"), tmp_path, **KEYS)
    bucket.write("a", b"x")
    for source, target in ((bucket, bucket), (bucket, inner), (inner, bucket)):
        with pytest.raises(Conflict):
            copy_files(source, target, lambda: None)
    assert copy_files(bucket, beside, lambda: None).copied == 1


def test_nothing_is_read_if_the_target_cannot_be_written(folder, s3_server):
    from testamur.storage.address import parse_bucket_address

    target = Bucket(parse_bucket_address(f"s3://there-is-none?endpoint={s3_server}"), **KEYS)
    with pytest.raises(Unavailable, match="there is no such bucket"):
        copy_files(folder, target, pytest.fail)
