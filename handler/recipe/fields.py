"""Checks of a recipe's fields: each returns the value, or says what it should be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from handler.config import check_prefix
from handler.errors import ConfigError

Check = Callable[[Any], Any]
Colour = tuple[int, int, int]
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Fields(dict[str, tuple[Check, Any]]):
    """The fields that a part of a recipe has: name → its check, and its default.

    A default of ``...`` means that the field must be given.
    """

    def read(self, given: Any, where: str) -> dict[str, Any]:
        """Return all fields, checked; ``ConfigError`` names the one that is wrong."""
        if not isinstance(given, Mapping):
            raise wrong(where, f"is {given!r}, and should be an object with fields")
        for name in given:
            if name not in self:
                raise wrong(where, f"has no field {name!r}; it has {', '.join(self)}")
        return {name: self._field(name, given, where) for name in self}

    def _field(self, name: str, given: Mapping[str, Any], where: str) -> Any:
        check, default = self[name]
        if name not in given:
            if default is ...:
                raise wrong(where, f"needs the field {name!r}")
            return default
        try:
            return check(given[name])
        except ValueError as error:
            value = f"is {given[name]!r}, and should be {error}"
            raise wrong(f"{where}.{name}", value) from None


def wrong(where: str, what: str) -> ConfigError:
    """Return the error of a recipe, to be raised."""
    return ConfigError(f"the recipe's {where} {what}.")


def items(given: Any, where: str) -> list[tuple[str, Any]]:
    """Return what is listed under names, and check the names."""
    if not isinstance(given, Mapping):
        raise wrong(where, f"is {given!r}, and should be an object of names")
    for name in given:
        if not _NAME.fullmatch(name):
            raise wrong(where, f"has {name!r}: names are of a-z, 0-9 and hyphens")
    return list(given.items())


def anything(value: Any) -> Any:
    """Check nothing: what is inside has a check of its own."""
    return value


def number(low: float, high: float) -> Check:
    """Check for a number within bounds."""

    def check(value: Any) -> float:
        # True is a number for Python, and no radius for anyone.
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if not (right and low <= value <= high):  # so not NaN either
            raise ValueError(f"a number from {low} to {high}")
        return value

    return check


def whole(low: int, high: int) -> Check:
    """Check for a whole number within bounds."""

    def check(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def one_of(*choices: str) -> Check:
    """Check for one of some words."""

    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return check


def matching(pattern: str, what: str) -> Check:
    """Check for a text of a form, which ``what`` says in words."""

    def check(value: Any) -> str:
        if not (isinstance(value, str) and re.fullmatch(pattern, value)):
            raise ValueError(what)
        return value

    return check


def colour(value: Any) -> Colour:
    """Check for a colour, such as "#ff8800"; return red, green and blue."""
    if not (isinstance(value, str) and _COLOUR.fullmatch(value)):
        raise ValueError('a colour, such as "#ff8800"')
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:], 16)


#: One line of text that can be seen.
line = matching(r"(?=.*\S)[^\x00-\x1f\x7f]{1,200}", "one line of 1 to 200 characters")
#: A file of the function's zip: a name alone, so that no path leads elsewhere.
file_name = matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "the name of a file")


def folder(value: Any) -> str:
    """Check for what keys begin with; it stands in policies and addresses too."""
    # So no spaces and no accents either, which addresses would have to encode.
    if not (isinstance(value, str) and re.fullmatch(r"[!-~]{2,100}", value)):
        raise ValueError('a folder, such as "small/"')
    check_prefix(value)
    return value
