"""Moments in time as XEP-0082 and RFC 3339 write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def now() -> str:
    """The clock now, RFC 3339 in UTC with milliseconds: `2006-12-19T17:58:35.000Z`."""
    return format(datetime.now(timezone.utc))


def format(moment: datetime) -> str:
    """Writes a moment, which must know its time zone."""
    if moment.tzinfo is None:
        raise ValueError("the datetime has no time zone: use datetime.now(timezone.utc), say")
    utc = moment.astimezone(timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03}Z"


def parse(text: str) -> datetime | None:
    """Reads a DateTime of XEP-0082; None when it is none."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return None
    date, time, fraction, zone = found.groups()
    leap = time.endswith(":60")
    if leap:
        time = time[:-2] + "59"
    micros = (fraction or "0")[:6].ljust(6, "0")
    zone = "+00:00" if zone in "Zz" else zone
    try:
        moment = datetime.fromisoformat(f"{date}T{time}.{micros}{zone}")
        return moment + timedelta(seconds=leap)
    except (ValueError, OverflowError):
        return None
