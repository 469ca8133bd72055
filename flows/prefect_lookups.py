"""What a run asks Prefect: its scheduled day, the logins of a Secret block, and whether another run has ended.

Prefect is imported when something is asked: `contacts check` of a local file does without it.
"""

import datetime
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from flows.config.request import local_today
from flows.config.settings import Settings
from schemas.errors.request import SettingsInvalid
from transforms.sources.credentials import Login, logins

SECRET_BLOCK_EXPECTED = "the name of a Prefect Secret block that holds what CONTACTS_CREDENTIALS would"


def source_logins(settings: Settings) -> dict[str, Login]:
    """The logins of the environment and of the Secret block. For one place, the block's login wins."""
    block = settings.credentials_block
    return settings.logins | (_block_logins(block) if block else {})


def _block_logins(name: str) -> dict[str, Login]:
    from prefect.blocks.system import Secret

    try:
        value: Any = Secret.load(name, _sync=True).get()  # type: ignore[call-arg, union-attr]
        return logins(value if isinstance(value, str) else json.dumps(value))
    except ValueError as error:  # Prefect raises it too, when there is no such block
        raise SettingsInvalid("CONTACTS_CREDENTIALS_BLOCK", SECRET_BLOCK_EXPECTED) from error


def scheduled_day() -> datetime.date:
    """The day for which the run was scheduled, in the time zone of its schedule; today without a deployment.

    A run that starts late, or is retried the next morning, still means its own night.
    """
    from prefect import runtime

    if runtime.flow_run.id is None or runtime.deployment.id is None:
        return local_today()
    moment: datetime.datetime = runtime.flow_run.scheduled_start_time
    zone = time_zone_of_run(UUID(runtime.flow_run.id), UUID(runtime.deployment.id))
    return moment.astimezone(ZoneInfo(zone) if zone else None).date()


def runs_as_command() -> bool:
    """Whether the run belongs to a command, and not to a deployment, whose worker has no standard input."""
    from prefect import runtime

    return runtime.deployment.id is None


def time_zone_of_run(run_id: UUID, deployment_id: UUID) -> str | None:
    """The time zone of the schedule that created the run, or the one that all schedules of its deployment share."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        created_by = client.read_flow_run(run_id).created_by
        schedules = client.read_deployment(deployment_id).schedules
    zones = {str(each.id): getattr(each.schedule, "timezone", None) for each in schedules}
    own = zones.get(str(created_by.id)) if created_by else None
    shared = {zone for zone in zones.values() if zone}
    return own or (shared.pop() if len(shared) == 1 else None)


@contextmanager
def wrong_settings_named() -> Iterator[None]:
    """Import Prefect in here: a wrong setting of Prefect is then reported by its name, without its value."""
    problems = io.StringIO()  # Prefect prints the same error, with the value, before it raises it
    try:
        with redirect_stderr(problems):
            yield
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1]).upper()
        model = next((model for model in _settings_models() if model.__name__ == error.title), None)
        variable = f"{model.model_config.get('env_prefix', '')}{name}" if model else name
        raise SettingsInvalid(variable, f"another value: {first['msg'][:1].lower()}{first['msg'][1:]}") from None


def _settings_models() -> Iterator[Any]:
    from prefect.settings.base import PrefectBaseSettings

    models = [PrefectBaseSettings]
    for model in models:
        models += model.__subclasses__()
        yield model


def run_has_ended(run_id: str) -> bool:
    """Whether a suspended run has ended; False when that is unknown.

    A run that this Prefect does not know may be suspended in another one, such as the server of the deployments.
    Its time to answer ends in any case.
    """
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(run_id)).state
    except Exception:  # unknown here, or Prefect does not answer; the next import asks again
        return False
    return state is not None and state.is_final()
