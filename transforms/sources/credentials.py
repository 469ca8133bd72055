"""How to log in where a source lies: kept by place, so that no login is ever shown to another host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from transforms.sources.addresses import place


class Login(BaseModel):
    """A login; which of its parts a place asks for depends on its scheme."""

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
    """Read `{"sftp://host": {"user": …, "password": …}}`; ValueError where it is something else, quoting nothing."""
    return {place(where): login for where, login in _LOGINS.validate_json(text).items()}


def secret(value: SecretStr | None) -> str | None:
    """The text of a secret, where there is one."""
    return value.get_secret_value() if value else None


@dataclass(frozen=True)
class FetchOptions:
    """How sources are reached: with which logins, how patiently, and how much of them is taken."""

    logins: Mapping[str, Login] = field(default_factory=dict)
    known_hosts: Path | None = None
    timeout: float = 60.0
    time_limit: float = 6 * 3600.0
    tries: int = 5
    limit: int = 1 << 36

    def login(self, origin: str) -> Login:
        """The login of a place; an empty one where none is named."""
        return self.logins.get(origin, Login())
