"""Keeps the files `.env`, `prefect.toml` and `pyproject.toml` of the current folder from steering Prefect.

Prefect reads its settings from them too. They may belong to another project, and a broken one would fail the import. So
the command's own runs take Prefect's settings from the environment and from Prefect's home only.
"""

from collections.abc import Mapping
from typing import Any

from pydantic_settings.sources import ConfigFileSourceMixin, DotEnvSettingsSource


def _read_nothing(*_: object, **__: object) -> Mapping[str, Any]:
    return {}


def ignore_settings_files() -> None:
    """Call this before Prefect is imported. Our own settings read no files, so they are not affected."""
    ConfigFileSourceMixin._read_files = _read_nothing  # type: ignore[method-assign, assignment]
    DotEnvSettingsSource._read_env_files = _read_nothing  # type: ignore[method-assign]
