"""What the address of a bucket says."""

import re
from urllib.parse import parse_qsl

import msgspec

from testamur.storage.model import is_key

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]", re.ASCII)
_URL = re.compile(r"s3://(?P<bucket>[^/?#]*)(?P<prefix>/[^?#]*)?(?:\?(?P<query>[^#]*))?")
_ENDPOINT = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[A-Za-z0-9._/-]*)?", re.ASCII)
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_OPTIONS = ("endpoint", "region", "path_style")


class BucketAddress(msgspec.Struct, frozen=True, kw_only=True):
    """`prefix` and `endpoint` end in no slash; an empty endpoint is that of AWS, an empty region the usual one."""

    bucket: str
    prefix: str
    endpoint: str
    region: str
    is_path_style: bool

    @property
    def is_plain_http(self) -> bool:
        return self.endpoint.startswith("http://")

    @property
    def place(self) -> str:
        path = f"{self.bucket}/{self.prefix}/" if self.prefix else f"{self.bucket}/"
        return f"{self.endpoint}/{path}" if self.endpoint else f"s3://{path}"


def parse_bucket_address(text: str) -> BucketAddress:
    """`s3://BUCKET/PREFIX?endpoint=https://host&region=eu-central-1&path_style=true`.

    Raises ValueError with what is wrong, without repeating what may be a secret.
    """
    parts = _URL.fullmatch(text)
    if parts is None:
        raise ValueError("must be s3://BUCKET or s3://BUCKET/PREFIX, with ?endpoint=https://HOST if it is not of AWS")
    bucket, prefix = parts["bucket"], (parts["prefix"] or "").strip("/")
    if "@" in bucket:
        raise ValueError(
            "must not hold credentials; they belong in TESTAMUR_STORAGE_ACCESS_KEY and TESTAMUR_STORAGE_SECRET_KEY"
        )
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("must name a bucket: 3 to 63 letters, digits, dots and hyphens after s3://")
    if prefix and not is_key(prefix):
        raise ValueError("must have a prefix of plain names: letters, digits, - _ and . between slashes")
    given = parse_qsl(parts["query"] or "", keep_blank_values=True)
    options = dict(given)
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown or len(options) < len(given):
        raise ValueError(f"may have the options {', '.join(_OPTIONS)}, once each")
    endpoint, region = options.get("endpoint", "").rstrip("/"), options.get("region", "")
    if "endpoint" in options and not _ENDPOINT.fullmatch(endpoint):
        raise ValueError("must have an endpoint such as https://s3.example.org (http:// only within a trusted network)")
    if region and not _REGION.fullmatch(region):
        raise ValueError("must have a region such as eu-central-1")
    # Servers that people host themselves seldom have a name for each bucket; with a dot in it no certificate fits.
    style = options.get("path_style", "true" if endpoint or "." in bucket else "false")
    if style not in {"true", "false"}:
        raise ValueError("must have path_style=true or path_style=false")
    return BucketAddress(bucket=bucket, prefix=prefix, endpoint=endpoint, region=region, is_path_style=style == "true")
