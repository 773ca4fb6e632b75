"""A call from the host to a function of the plugin: its errors and its result, checked.

The same way in a plugin and in a test of it.
"""

from __future__ import annotations

import inspect
import logging
from typing import Any, Callable

from . import bindings, wit
from .errors import SatError, StanzaError
from .hooks import Verdict

log = logging.getLogger("sat_sdk")


async def run(
    author: Callable[..., Any], interface: wit.Interface, function: wit.Function, args: list[Any]
) -> Any:
    """Runs a function of the plugin.

    Raises SatError or StanzaError, whichever the function's type has. Any other exception is a
    fault of the plugin: it's logged with its traceback and becomes `internal-error`. The instance
    goes on, since an exception leaves nothing broken behind.
    """
    try:
        value = author(*args)
        if inspect.isawaitable(value):
            value = await value
        _check(value, author, interface, function)
        return value
    except (SatError, StanzaError) as error:
        failure: SatError | StanzaError = error
    except Exception as error:
        log.exception("%s failed", author.__qualname__)
        failure = SatError(
            "internal-error",
            f"{type(error).__name__} in {author.__qualname__}: {error}; the plugin's log has more",
        )
    name = error_name(function)
    if name is None:
        # Nobody waits for an answer.
        log.error("%s failed: %s", author.__qualname__, failure)
        return None
    raise as_stanza_error(failure) if name == "stanza-error" else as_error(failure) from failure


def _check(
    value: Any, author: Callable[..., Any], interface: wit.Interface, function: wit.Function
) -> None:
    where = f"the result of {author.__qualname__}"
    ok = ok_type(function)
    if is_verdict(ok):
        if not isinstance(value, Verdict):
            found = type(value).__name__
            raise TypeError(f"{where}: expected a Verdict (KEEP, DROP, Replace), found {found}")
    else:
        bindings.current().checks.of(ok)(value, where)


def ok_type(function: wit.Function) -> wit.Type | None:
    """The type of what a function returns when it doesn't fail."""
    result = function.result
    if isinstance(result, wit.Compound) and result.kind == "result":
        return result.of[0]
    return result


def error_name(function: wit.Function) -> str | None:
    """`error` or `stanza-error`; none for a function that can't fail."""
    result = function.result
    if not (isinstance(result, wit.Compound) and result.kind == "result"):
        return None
    error = result.of[1]
    return error.name if isinstance(error, wit.Named) else None


def is_verdict(ty: wit.Type | None) -> bool:
    """Whether a type is what message filters return."""
    return isinstance(ty, wit.Named) and ty.name == "verdict" and "-filter" in ty.interface


def as_error(failure: SatError | StanzaError) -> SatError:
    """The failure of a function that returns an `error`."""
    if isinstance(failure, SatError):
        return failure
    return SatError(failure.condition, failure.text or failure.condition)


def as_stanza_error(failure: SatError | StanzaError) -> StanzaError:
    """The failure of an IQ handler: an error that isn't a stanza's is ours, not the asker's."""
    if isinstance(failure, StanzaError):
        return failure
    return StanzaError("internal-server-error", failure.message)
