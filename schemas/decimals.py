"""Decimals as text, in the one form that imports again unchanged."""

from decimal import Decimal


def plain_decimal(value: Decimal | float) -> str:
    """The number in digits alone: neither exponent, nor zeros at the end, nor a sign before zero."""
    digits = format(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), "f")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if digits == "-0" else digits
