"""Where files are stored: folders below DATA_DIR, or the S3-compatible bucket of STORAGE_URL."""

import re
from pathlib import Path
from typing import Any

from aijuu_site.settings.environment import ServerUrl, SettingError
from aijuu_site.settings.hosts import server_name

BUCKET = "aijuu_site.bucket.BucketStorage"
# Plain http shows the files to everybody between site and server: for one on the same machine or network.
_SCHEMES = {"s3": "https", "s3+http": "http"}
# Servers of one region call it this, or take any name.
_DEFAULT_REGION = "us-east-1"
# The names that every provider takes. Without dots, so that they also fit a host name of TLS.
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}")
_STORAGE_URL = "write it as in STORAGE_URL=s3://key:secret@s3.example.fi/bucket?region=eu-north-1"


def file_storages(url: str, *, data_dir: Path, uploads_url: str, media_url: str) -> dict[str, dict[str, Any]]:
    """Return Django's STORAGES for uploaded originals (`default`) and for the files that pages show (`pictures`).

    They are in folders for an empty `url`. Raises SettingError for an invalid one.
    """
    if not url:
        return {
            "default": {
                "BACKEND": "aijuu_site.storages.UploadStorage",
                "OPTIONS": {"location": str(data_dir / "uploads"), "base_url": uploads_url},
            },
            "pictures": {"BACKEND": "aijuu_site.storages.PictureStorage"},
        }
    bucket = bucket_options("STORAGE_URL", url, example=_STORAGE_URL)
    return {
        "default": {"BACKEND": BUCKET, "OPTIONS": {**bucket, "location": "uploads", "base_url": uploads_url}},
        "pictures": {"BACKEND": BUCKET, "OPTIONS": {**bucket, "location": "media", "base_url": media_url}},
    }


def bucket_options(name: str, url: str, *, example: str) -> dict[str, str]:
    """Return the options of BucketStorage for `url`, the value of the setting `name`. Raises SettingError."""
    server = ServerUrl.read(name, url, example=example)
    if server.scheme not in _SCHEMES:
        raise SettingError(name, f"it must begin with s3:// (or s3+http:// without TLS); {example}")
    if not server.host:
        raise SettingError(name, f"it names no server; {example}")
    try:
        host = server_name(server.host)
    except ValueError as error:
        raise SettingError(name, f"its server is no host name; {example}") from error
    if not server.user or not server.password:
        raise SettingError(name, f"it needs key and secret; {example}")
    if not all("!" <= sign <= "~" for sign in server.user + server.password):
        raise SettingError(name, "key and secret have only ASCII letters and signs, no spaces.")
    if not _BUCKET_NAME.fullmatch(server.path):
        raise SettingError(
            name,
            f"behind the server stands the name of one bucket, of 3 to 63 small letters, digits and -; {example}",
        )
    region = server.options.get("region", _DEFAULT_REGION)
    if server.options.keys() - {"region"} or not _REGION.fullmatch(region):
        raise SettingError(name, f"only a region may stand behind the bucket; {example}")
    return {
        "access_key": server.user,
        "secret_key": server.password,
        "endpoint_url": f"{_SCHEMES[server.scheme]}://{host}" + (f":{server.port}" if server.port else ""),
        "bucket_name": server.path,
        "region_name": region,
    }
