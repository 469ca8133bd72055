"""Settings of every command and run: flags first, then `CONTACTS_…` variables, then these defaults.

The message about a wrong value quotes the field's description. So the description says what to write.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.config.environment import absolute_path, home_folder
from schemas.cells.phones import is_country_prefix
from schemas.errors.request import SettingsInvalid, UsageError
from transforms.landing.archives import ExpansionLimits
from transforms.sources.addresses import place
from transforms.sources.credentials import Login, logins

ENV_PREFIX = "CONTACTS_"
FLAG_NAMES = {"warehouse_url": "--warehouse"}


def _folder_or_address(value: str) -> str:
    """An absolute path, or an address as it is. It is shown in reports, so it must not hold a password."""
    scheme, there, rest = value.partition("://")
    if not there or scheme == "file":
        return str(absolute_path(Path(rest if there else value)))
    if ":" in rest.partition("/")[0].rpartition("@")[0] or not rest:
        raise ValueError("an address holds no password")
    return value.rstrip("/")


def _country_prefix(value: str) -> str:
    if not is_country_prefix(value):
        raise ValueError("no country has this prefix")
    return value


def _cores() -> int:
    """The cores that this process may use. In a container these may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _task_runner(value: str) -> str:
    if value not in ("threads", "dask") and not re.fullmatch(r"(?:tcp|tls)://[^/\s]+:\d+", value):
        raise ValueError("no such task runner")
    return value


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file, in which what would end or change the path is percent-encoded."""
    return "sqlite:///" + re.sub(r"[\x00-\x20%?#\x7f]", lambda found: f"%{ord(found[0]):02X}", path.as_posix())


def _split_list(value: object) -> object:
    return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value


def _places(value: object) -> object:
    listed = _split_list(value)
    return tuple(place(str(each)) for each in listed) if isinstance(listed, tuple) else listed


def _credentials(value: SecretStr) -> SecretStr:
    logins(value.get_secret_value())
    return value


AbsolutePath = Annotated[Path, AfterValidator(absolute_path)]
FolderOrAddress = Annotated[str, AfterValidator(_folder_or_address)]
TaskRunnerName = Annotated[str, AfterValidator(_task_runner)]
CountryPrefix = Annotated[str, AfterValidator(_country_prefix)]


class Settings(BaseSettings):
    """What a run needs beside its request. Printing it never shows a password."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    home: AbsolutePath = Field(default_factory=home_folder, description="a folder")
    warehouse_url: SecretStr = Field(
        default_factory=lambda known: SecretStr(sqlite_url(known["home"] / "contacts.db")),
        description="a URL: sqlite:///file.db or postgresql://user:password@host/database",
    )
    warehouse_schema: str | None = Field(None, description="the name of a PostgreSQL schema")
    catalogue: AbsolutePath | None = Field(None, description="the path of a YAML file")
    default_prefix: CountryPrefix | None = Field(None, description="a country prefix such as +34")
    imports: FolderOrAddress = Field(
        default_factory=lambda known: str(known["home"] / "imports"),
        description="a folder, or an address such as s3://bucket/imports, without a password",
    )
    presets: AbsolutePath = Field(default_factory=lambda known: known["home"] / "presets", description="a folder")
    chunk_bytes: Annotated[ByteSize, Field(ge=1 << 10, le=1 << 30)] = Field(
        ByteSize(16 << 20), description="a size from 1KiB to 1GiB, such as 8MiB"
    )
    workers: int = Field(
        default_factory=lambda: min(_cores(), 8), ge=1, le=64, description="1 to 64 threads or processes"
    )
    task_runner: TaskRunnerName = Field(
        "threads",
        description="threads, dask (processes of this machine) or the address of a Dask scheduler, tcp://host:port",
    )
    rejections_limit: int = Field(100_000, ge=0, le=100_000_000, description="a number of rows, 0 to 100000000")
    artifact_rows: int = Field(1_000, ge=0, le=1_000, description="a number of rows, 0 to 1000")
    artifact_values: Literal["shown", "masked"] = Field("shown", description="shown or masked")
    answer_seconds: int = Field(3 * 86_400, ge=1, le=366 * 86_400, description="a number of seconds, 1 to 31622400")
    expanded_bytes: Annotated[ByteSize, Field(ge=1 << 10)] = Field(
        ByteSize(16 << 30), description="a size of 1KiB or more, such as 16GiB"
    )
    expanded_ratio: int = Field(200, ge=1, le=1_000_000, description="a number from 1 to 1000000")
    workbook_cells: int = Field(
        50_000_000, ge=1, le=17_179_869_184, description="a number of cells, 1 to 17179869184 (a full sheet)"
    )
    workbook_memory: Annotated[ByteSize, Field(ge=256 << 20)] = Field(
        ByteSize(4 << 30), description="a size of 256MiB or more, such as 4GiB"
    )
    allowed_sources: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_places)] = Field(
        (), description="places such as https://host, s3://bucket, sftp://host:22, separated by commas"
    )
    source_folders: Annotated[tuple[AbsolutePath, ...], NoDecode, BeforeValidator(_split_list)] = Field(
        (), description="folders, separated by commas"
    )
    credentials: Annotated[SecretStr, AfterValidator(_credentials)] | None = Field(
        None, description='JSON such as {"sftp://host": {"user": "name", "password": "secret"}}'
    )
    credentials_block: str | None = Field(None, description="the name of a Prefect Secret block")
    known_hosts: AbsolutePath | None = Field(None, description="a file of SSH host keys")
    source_limit: Annotated[ByteSize, Field(ge=1 << 10)] = Field(
        ByteSize(64 << 30), description="a size of 1KiB or more, such as 64GiB"
    )
    source_timeout: float = Field(60, ge=0.1, le=3_600, description="seconds, 0.1 to 3600")
    source_time_limit: float = Field(21_600, ge=1, le=604_800, description="seconds, 1 to 604800")
    source_tries: int = Field(5, ge=1, le=20, description="a number from 1 to 20")
    journal: Literal["on", "off"] = Field("on", description="on or off")
    journal_days: int = Field(365, ge=1, le=36_500, description="a number of days, 1 to 36500")
    keep_landed: bool = Field(False, description="true or false")

    @property
    def logins(self) -> dict[str, Login]:
        """The logins in the environment."""
        return logins(self.credentials.get_secret_value()) if self.credentials else {}

    @property
    def limits(self) -> ExpansionLimits:
        """What an archive or a workbook may expand to."""
        return ExpansionLimits(self.expanded_bytes, self.expanded_ratio, self.workbook_cells, self.workbook_memory)

    @classmethod
    def load(cls, **flags: Any) -> Self:
        """Read the settings. Flags that are not None win. An error names the wrong setting, never its value."""
        from_flags = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**from_flags)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            expected = cls.model_fields[name].description or "another value"
            if name in from_flags:
                flag = FLAG_NAMES.get(name, "--" + name.replace("_", "-"))
                raise UsageError(f"the value of {flag} is wrong; write {expected}") from error
            raise SettingsInvalid(f"{ENV_PREFIX}{name.upper()}", expected) from error
