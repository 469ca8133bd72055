"""The environment variables of a run. They are set before Prefect is imported, which reads them then.

This module imports nothing heavy: the command calls it first, and starts its server while pandas loads.
"""

import os
import shlex
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parents[2]
SERVER_BOOT_SECONDS = 120  # in a new home the server runs all its migrations first

OFFLINE_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

# Only for a server that the command starts, itself or through Prefect.
LOCAL_SERVER_DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(SERVER_BOOT_SECONDS),
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # With one event per transaction, the default, SQLite is too slow: the server stops before it has
    # stored all task runs of a short run, with tracebacks.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "1000",
    # A server that lives for one run has no automations to trigger and no watchers. Its scheduler does not start
    # either. Recorder and events must run: the UI shows the run later.
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED": "false",
}

# Only for the console: the log still reaches the API, and the run's page in the UI shows it.
CONSOLE_LOG_LEVEL = "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"


def absolute_path(path: str | Path) -> Path:
    return Path(os.path.expanduser(path)).resolve()  # unlike Path.expanduser, no error for an unknown ~user


def home_folder() -> Path:
    """The folder of warehouse, import folders and runs: `data/` of a checkout, or the user's data folder."""
    if home := os.environ.get("CONTACTS_HOME"):
        return absolute_path(home)
    if (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / "data"
    from platformdirs import user_data_path

    return user_data_path("contact-import", appauthor=False)


def prefect_home() -> Path:
    """The folder with the command's runs. `prefect server start` shows them if this is its home."""
    home = os.environ.get("PREFECT_HOME")
    return absolute_path(home) if home else home_folder() / "prefect"


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
    make_private_folder(absolute_path(os.environ.get("PREFECT_HOME") or "~/.prefect"))


def user_configured_prefect() -> bool:
    """Whether the environment names a Prefect: an API, a profile, or another home."""
    api_or_profile = os.environ.get("PREFECT_API_URL") or os.environ.get("PREFECT_PROFILE")
    return bool(api_or_profile) or prefect_home() != home_folder() / "prefect"


def set_prefect_environment() -> None:
    """Keep a run quiet and offline, with its data in our home. Variables that the user has set stay."""
    if not user_configured_prefect():
        os.environ["PREFECT_HOME"] = str(prefect_home())
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "true")
        if "?" in os.environ["PREFECT_HOME"]:  # Prefect puts the path into a URL as it is
            database = f"file:{quote(os.environ['PREFECT_HOME'])}/prefect.db?uri=true"
            os.environ.setdefault("PREFECT_SERVER_DATABASE_CONNECTION_URL", f"sqlite+aiosqlite:///{database}")
    # Otherwise Prefect looks for the path of its profiles in the files of the current folder.
    profiles = absolute_path(os.environ.get("PREFECT_HOME") or "~/.prefect") / "profiles.toml"
    os.environ.setdefault("PREFECT_PROFILES_PATH", str(profiles))
    for name, value in {**OFFLINE_DEFAULTS, **LOCAL_SERVER_DEFAULTS}.items():
        os.environ.setdefault(name, value)
    # The command reports a failure in one line; CONTACTS_DEBUG shows the traceback.
    if not os.environ.get("CONTACTS_DEBUG") and "PREFECT_LOGGING_LEVEL" not in os.environ:
        os.environ.setdefault(CONSOLE_LOG_LEVEL, "CRITICAL")
