"""Which storage an address means."""

import re
from pathlib import Path
from urllib.parse import unquote

from testamur.storage.address import parse_bucket_address
from testamur.storage.folder import Folder
from testamur.storage.model import Storage

FILES_FOLDER = "files"
_FILE_URL = re.compile(r"file://(/[^?#]+)")


def open_storage(
    url: str | None, data_dir: Path, *, access_key: str | None = None, secret_key: str | None = None
) -> Storage:
    """A folder (`file:///PATH`; without a URL `files` in the data folder) or a bucket (`s3://...`).

    Connects nothing yet. Raises ValueError with what is wrong with the URL.
    """
    if url is None:
        return Folder(data_dir / FILES_FOLDER)
    scheme = url.partition("://")[0]
    if scheme == "file":
        path = _FILE_URL.fullmatch(url)
        if path is None:
            raise ValueError("must be file:///PATH, with the whole path")
        return Folder(Path(unquote(path[1])))
    if scheme != "s3":
        raise ValueError("must start with s3:// or file:///")
    address = parse_bucket_address(url)
    try:
        # Optional, and it takes a while that only those who have a bucket should wait.
        from testamur.storage.bucket import Bucket  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise ValueError("needs a package that is not installed: pip install 'testamur[s3]'") from None
    return Bucket(address, access_key=access_key, secret_key=secret_key)
