"""Load a file with a tool that is a command: csvkit, ingestr, pgloader, sling or sqlite-utils.

It runs in the tool's environment. The seconds are those of the whole process, because the tools tell no others.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

TYPES = {
    "mobile_phone": "text",
    "birthdate": "date",
    "points": "bigint",
    "total_spent": "decimal(12,2)",
    "vip": "boolean",
}
TABLE = """
create table if not exists {table} (
    email text {key}, name text, surname text, mobile_phone text, birthdate date, points bigint, total_spent numeric,
    newsletter_subscription_status text, interests text, city text, vip boolean, gender text);
"""


def csvkit(url: str, file: Path, folder: Path, key: bool) -> list[str]:
    """Without inference, because that drops the plus of phone numbers; with blanks, because it stores none as null."""
    database = url.replace("postgresql:", "postgresql+psycopg2:", 1)
    options = ["--no-inference", "--blanks", "--overwrite", *(["--unique-constraint", "email"] if key else [])]
    return ["csvsql", "--db", database, "--insert", "--tables", folder.name, *options, str(file)]


def ingestr(url: str, file: Path, folder: Path, key: bool) -> list[str]:
    source = ["--source-uri", f"csv://{file}", "--source-table", "contacts"]
    target = ["--dest-uri", url, "--dest-table", f"public.{folder.name}"]
    strategy = ["merge", "--primary-key", "email"] if key else ["replace"]
    columns = ",".join(f"{name}:{kind}" for name, kind in TYPES.items())
    options = ["--columns", columns, "--pipelines-dir", str(folder), "--progress", "log", "--yes"]
    return ["ingestr", "ingest", *source, *target, "--incremental-strategy", *strategy, *options]


def pgloader(url: str, file: Path, folder: Path, key: bool) -> list[str]:
    """The table must exist; its key is dropped and built again."""
    before = folder / "before.sql"
    before.write_text(TABLE.format(table=folder.name, key="unique" if key else ""))
    address = urlsplit(url)
    if socket := parse_qs(address.query).get("host"):
        address = address._replace(netloc=f"{address.username}@unix:{socket[0]}:5432")
    target = address._replace(query=f"tablename=public.{folder.name}").geturl()
    csv = ["skip header = 1", "fields optionally enclosed by '\"'", "fields terminated by ','"]
    options = [*csv, "truncate", *(["drop indexes"] if key else [])]
    words = [word for option in options for word in ("--with", option)]
    return ["pgloader", "--type", "csv", "--before", str(before), *words, str(file), target]


def sling(url: str, file: Path, folder: Path, key: bool) -> list[str]:
    """The wheel has the program, but not as an executable file."""
    specification = importlib.util.find_spec("sling_linux_amd64")
    assert specification and specification.origin
    program = Path(specification.origin).parent / "bin" / "sling-linux-amd64"
    program.chmod(0o755)
    os.environ |= {"SLING_HOME_DIR": str(folder), "SLING_DISABLE_TELEMETRY": "true", "TARGET": url}
    target = ["--tgt-conn", "TARGET", "--tgt-object", f"public.{folder.name}"]
    mode = ["incremental", "--primary-key", "email"] if key else ["full-refresh"]
    keys = ["--tgt-options", json.dumps({"table_keys": {"unique": ["email"]}})] if key else []
    columns = ["--columns", json.dumps({"mobile_phone": "text"})]  # with more, it mixes up the columns
    return [str(program), "run", "--src-stream", f"file://{file}", *target, "--mode", *mode, *keys, *columns]


def sqlite_utils(url: str, file: Path, folder: Path, key: bool) -> list[str]:
    """Without the type, phone numbers lose their plus."""
    command = ["upsert", "--pk", "email"] if key else ["insert", "--truncate"]
    options = ["--csv", "--silent", "--type", "mobile_phone", "text"]
    return ["sqlite-utils", *command, url.removeprefix("sqlite:///"), folder.name, str(file), *options]


TOOLS = {"csvkit": csvkit, "ingestr": ingestr, "pgloader": pgloader, "sling": sling, "sqlite-utils": sqlite_utils}


def main() -> None:
    """Load one file and print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warehouse", help="a postgresql:// or sqlite:/// address")
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path, help="for the tool's own files; its name is the name of the table")
    parser.add_argument("--tool", choices=TOOLS, required=True)
    parser.add_argument("--key", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    os.environ["INGESTR_DISABLE_TELEMETRY"] = "true"
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = TOOLS[arguments.tool](arguments.warehouse, arguments.file, arguments.folder, arguments.key)
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=sys.stderr)
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
