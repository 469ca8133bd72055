"""The environment of a run, set before prefect is imported, since prefect reads it at import.

Nothing heavy is imported here: the command calls it first, and boots its server while pandas loads.
"""

import os
import shlex
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parents[2]
SERVER_BOOT_SECONDS = 120  # a fresh home runs all of prefect's migrations, on slow disks too

OFFLINE_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

# These concern only a server that the command starts, be it by `local_server` or by prefect itself.
LOCAL_SERVER_DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(SERVER_BOOT_SECONDS),
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # One event a transaction, the default, falls behind on SQLite: the server stops before it has
    # caught up, and most task runs of a short run are lost, with tracebacks.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "1000",
    # A server that lives for one run has no automations to trigger and nobody watching. Scheduler,
    # foreman and the like never start in such a server; recorder and events must, for the UI later.
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED": "false",
}

# The console alone: the records still reach the API, so the run's page in the UI has its log.
CONSOLE_LOG_LEVEL = "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"


def _absolute_folder(named: str) -> Path:
    return Path(os.path.expanduser(named)).resolve()  # unlike Path.expanduser, no error for an unknown ~user


def home_folder() -> Path:
    """Where warehouse, import folders and run history live: a checkout's data/, else the user's data folder."""
    if named := os.environ.get("CONTACTS_HOME"):
        return _absolute_folder(named)
    if (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / "data"
    from platformdirs import user_data_path

    return user_data_path("contact-import", appauthor=False)


def prefect_home() -> Path:
    """The folder that keeps the command's runs; `prefect server start` shows them when started on it."""
    named = os.environ.get("PREFECT_HOME")
    return _absolute_folder(named) if named else home_folder() / "prefect"


def make_private_folder(folder: Path) -> None:
    """Create a folder, and the folders that it needs, for their owner only; an existing one stays as it is."""
    for each in (*reversed(folder.parents), folder):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def home_warnings(home: Path) -> list[str]:
    """That other users can enter the home. The data/ of a checkout is as open as the checkout; what is in it is not."""
    if home == CHECKOUT / "data" or not home.is_dir() or not home.stat().st_mode & 0o007:
        return []
    return [f"every user of this machine can enter {home}; run chmod o= {shlex.quote(str(home))}"]


def make_prefect_home() -> None:
    """Create Prefect's home: Prefect creates only the last part of the path, and goes on without it."""
    make_private_folder(_absolute_folder(os.environ.get("PREFECT_HOME") or "~/.prefect"))


def user_configured_prefect() -> bool:
    """Whether the user has said which Prefect to use: an API, a profile, or a home other than ours."""
    named = os.environ.get("PREFECT_API_URL") or os.environ.get("PREFECT_PROFILE")
    return bool(named) or prefect_home() != home_folder() / "prefect"


def set_prefect_environment() -> None:
    """Make a run quiet, offline and at home; whatever the user has set stays."""
    if not user_configured_prefect():
        os.environ["PREFECT_HOME"] = str(prefect_home())
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "true")
        if "?" in os.environ["PREFECT_HOME"]:  # Prefect puts the path into a URL as it is
            database = f"file:{quote(os.environ['PREFECT_HOME'])}/prefect.db?uri=true"
            os.environ.setdefault("PREFECT_SERVER_DATABASE_CONNECTION_URL", f"sqlite+aiosqlite:///{database}")
    for name, value in {**OFFLINE_DEFAULTS, **LOCAL_SERVER_DEFAULTS}.items():
        os.environ.setdefault(name, value)
    # A failing flow's traceback is for those who ask for it; the command says the same in one line.
    if not os.environ.get("CONTACTS_DEBUG") and "PREFECT_LOGGING_LEVEL" not in os.environ:
        os.environ.setdefault(CONSOLE_LOG_LEVEL, "CRITICAL")
