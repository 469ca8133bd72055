"""A bucket of an S3-compatible server on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import s3fs


@contextmanager
def open_bucket(endpoint: str, name: str) -> Iterator[Any]:
    """A client of its own, with an empty bucket that is removed at the end."""
    files = s3fs.S3FileSystem(
        key="key",
        secret="secret",
        endpoint_url=endpoint,
        client_kwargs={"region_name": "us-east-1"},
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    files.call_s3("create_bucket", Bucket=name)
    yield files
    files.rm(name, recursive=True)
