"""Logins for servers, kept by origin, so that no login is sent to another host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from transforms.sources.addresses import place


class Login(BaseModel):
    """A login; the scheme decides which of its parts are used."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    private_key: SecretStr | None = None
    key_file: str | None = None
    passphrase: SecretStr | None = None
    access_key: str | None = None
    secret_key: SecretStr | None = None
    session_token: SecretStr | None = None
    endpoint: str | None = None
    region: str | None = None


_LOGINS: TypeAdapter[dict[str, Login]] = TypeAdapter(dict[str, Login], config=ConfigDict(hide_input_in_errors=True))


def logins(text: str | bytes) -> dict[str, Login]:
    """Parse `{"sftp://host": {"user": …, "password": …}}`; the message of ValueError quotes nothing of it."""
    return {place(where): login for where, login in _LOGINS.validate_json(text).items()}


def secret(value: SecretStr | None) -> str | None:
    """The text of a secret, None if there is none."""
    return value.get_secret_value() if value else None


@dataclass(frozen=True)
class FetchOptions:
    """How to fetch sources: logins, time-outs in seconds, number of tries, and the largest size in bytes."""

    logins: Mapping[str, Login] = field(default_factory=dict)
    known_hosts: Path | None = None
    timeout: float = 60.0
    time_limit: float = 6 * 3600.0
    tries: int = 5
    limit: int = 1 << 36

    def login(self, origin: str) -> Login:
        """The login for an origin; an empty one if none is configured."""
        return self.logins.get(origin, Login())
