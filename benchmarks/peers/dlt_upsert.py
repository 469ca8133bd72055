"""Load a file into PostgreSQL with dlt: Arrow batches, merged by its upsert strategy, without any check.

By default dlt writes Arrow batches as CSV for PostgreSQL; its fastest format is Parquet with the ADBC driver. The
pipeline's working folder, which holds the schema, stays between loads, as it does between nightly runs.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

TYPES = {"birthdate": pa.date32(), "points": pa.int64(), "total_spent": pa.float64(), "vip": pa.bool_()}
TEXTS = ("email", "name", "surname", "mobile_phone", "newsletter_subscription_status", "interests", "city", "gender")


def batches(file: Path) -> Iterator[pa.Table]:
    """The file as typed Arrow batches, of a size that dlt's guide recommends."""
    options = pyarrow.csv.ConvertOptions(column_types=TYPES | dict.fromkeys(TEXTS, pa.string()))
    with pyarrow.csv.open_csv(file, pyarrow.csv.ReadOptions(block_size=16 << 20), convert_options=options) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def load(url: str, file: Path, folder: Path, file_format: str | None, key: bool) -> float:
    """One run of the pipeline, from extract to commit; seconds. Without a format, dlt uses its default."""
    import dlt

    began = time.perf_counter()
    pipeline = dlt.pipeline(
        pipeline_name="contacts",
        pipelines_dir=str(folder),
        # dlt requires a host in the address. For a server on a socket, the host in the query has precedence.
        destination=dlt.destinations.postgres(url.replace("@/", "@localhost/")),
        dataset_name=folder.name,
    )
    contacts = dlt.resource(
        batches(file),
        name="contacts",
        primary_key="email",  # dlt makes no key in the database for it, but does for a unique column
        columns={"email": {"unique": key}},
        write_disposition={"disposition": "merge", "strategy": "upsert"},
    )
    pipeline.run(contacts, loader_file_format=file_format).raise_on_failed_jobs()
    return time.perf_counter() - began


def main() -> None:
    """Load one file and print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warehouse", help="a postgresql:// address")
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path, help="the pipeline's, kept between loads; its name is that of the schema")
    parser.add_argument("--format", choices=["parquet"])
    parser.add_argument("--key", action="store_true")
    arguments = parser.parse_args()
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    seconds = load(arguments.warehouse, arguments.file, arguments.folder, arguments.format, arguments.key)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
