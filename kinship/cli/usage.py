"""What was wrong with how a command was written, in words for the person who wrote it."""

from __future__ import annotations

import re
from difflib import get_close_matches

import typer

__all__ = ["usage_message"]

_CHOICE = re.compile(r"'(?P<given>[^']*)' is not one of (?P<known>.*)\.")


def usage_message(error: typer.TyperException) -> str:
    """Return the error's message; a choice that does not exist gets the close one.

    Typer checks values with pydantic, which opens every message of a validator with "Value error".
    """
    message = error.format_message().replace(": Value error, ", ": ")
    choice = _CHOICE.search(message)
    if choice is None:
        return message
    close = get_close_matches(choice["given"], re.findall(r"'([^']*)'", choice["known"]), n=1)
    return message.rstrip(".") + (f"; did you mean {close[0]}?" if close else "; choose one of these")
