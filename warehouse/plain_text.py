"""Text as every warehouse can hold it."""


def storable(value: str) -> str:
    r"""The text with what PostgreSQL cannot hold made visible: NUL as `\x00`, half a surrogate pair as `\udc80`."""
    return value.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode("utf-8")
