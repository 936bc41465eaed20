"""What went wrong on a connection, in the words of an operator. No I/O."""

from __future__ import annotations

import errno
import os
import re
import ssl
from http.client import IncompleteRead, RemoteDisconnected


def root(error: BaseException) -> BaseException:
    """Return what an error arose from: libraries wrap the system's word several times over."""
    while (inner := _inner(error)) is not None:
        error = inner
    return error


def _inner(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    # urllib3 wraps some errors without raising its own there and then.
    for argument in error.args:
        if isinstance(argument, BaseException):
            return argument
    return None if error.__suppress_context__ else error.__context__


def describe(error: BaseException) -> str:
    """Return an error in one line, lower case, without the peer's name and without decoration."""
    match error:
        case ssl.SSLCertVerificationError():
            text = f"certificate verify failed: {error.verify_message}"
        case ssl.SSLEOFError():
            text = "TLS: connection closed"
        case ssl.SSLError(reason=str(reason)):
            text = f"TLS: {reason.replace('_', ' ').lower()}"
        case ssl.SSLError():
            # It ends with where in the source of ssl it was raised.
            text = "TLS: " + re.sub(r"\s*\(_ssl\.c:\d+\)", "", str(error.strerror))
        case RemoteDisconnected():
            text = "connection closed without an answer"
        case IncompleteRead():
            text = "the answer was cut short"
        case OSError(errno=errno.ENOTCONN):
            # It stood, and the peer has reset it before we could use it.
            text = "connection closed"
        case OSError(errno=int(number)):
            text = os.strerror(number)
            text = text[:1].lower() + text[1:]
        case TimeoutError():
            text = "no answer in time"
        case _:
            text = str(error) or type(error).__name__
    return " ".join(text.split()).removesuffix(".")
