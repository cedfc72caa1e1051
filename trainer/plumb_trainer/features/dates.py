"""Parts of a date, by arithmetic on days alone: no calendar of the machine, no time zone database."""

import datetime
import re

import numpy as np

from plumb_trainer.features.base import TextTransformer, columns_of, is_missing

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(_DATE.pattern + r"T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))")
_ZONE = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")

DATE_PARTS = ("year", "quarter", "month", "day", "weekday", "day_of_year", "week", "month_end", "epoch_day")
TIME_PARTS = ("hour", "minute")

MINUTES_A_DAY = 1440


class DateParts(TextTransformer):
    """Numbers of a date that stands in a row as text: its weekday, its month, its week of the year.

    Parameters
    ----------
    parts : sequence of str, default=("weekday", "month", "day_of_year", "week", "month_end")
        ``year``, ``quarter`` (1 to 4), ``month``, ``day``, ``weekday`` (Monday is 0), ``day_of_year`` (from 1), ``week`` (of ISO 8601),
        ``month_end`` (1 on the last day of a month, else 0), ``epoch_day`` (days since 1970-01-01); of a date-time also ``hour`` and
        ``minute``.
    format : {"date", "date-time"}, default="date"
        What the texts are: ``2026-11-22``, or ``2026-11-22T08:00:00Z`` with any offset stated.
    time_zone : str, default=None
        Of a date-time, and only there: where the clock hangs whose date is meant, ``"UTC"`` or a fixed offset such as ``"+01:00"``.

    Notes
    -----
    The Gregorian calendar, back to the year 0. A missing text gives missing parts; any other text is an error. The zones of the IANA
    database are refused: their rules change, and no two machines have the same ones. Send local dates, or give a fixed offset. Served by
    ``date_parts``, from a feature whose schema says the same ``format``.

    Examples
    --------
    >>> from plumb_trainer.features import DateParts
    >>> DateParts(["year", "weekday", "week"]).fit_transform([["2026-11-22"], ["2021-01-03"]])
    array([[2026.,    6.,   47.],
           [2021.,    6.,   53.]])
    >>> DateParts(["day", "hour"], format="date-time", time_zone="+01:00").fit_transform([["2026-11-22T23:30:00Z"]])
    array([[23.,  0.]])
    """

    def __init__(self, parts=("weekday", "month", "day_of_year", "week", "month_end"), *, format="date", time_zone=None):
        self.parts = parts
        self.format = format
        self.time_zone = time_zone

    def _learn(self, X):
        if self.format not in ("date", "date-time"):
            raise ValueError(f'DateParts: expected format "date" or "date-time", got {self.format!r}')
        known = DATE_PARTS if self.format == "date" else DATE_PARTS + TIME_PARTS
        unknown = [part for part in self.parts if part not in known]
        if isinstance(self.parts, str) or unknown or not self.parts:
            got = unknown if unknown and not isinstance(self.parts, str) else self.parts
            raise ValueError(f"DateParts: expected parts of a {self.format}, a list of {', '.join(known)}, got {got!r}")
        self.zone_minutes_ = _zone_minutes(self.format, self.time_zone)
        self._compute(X)

    def _compute(self, X):
        columns = []
        for index, texts in enumerate(self._texts(X)):
            is_there = np.array([text is not None for text in texts], dtype=bool)
            minutes = np.array([self._minutes(text, index) for text in texts if text is not None], dtype=np.int64)
            found = date_parts(minutes // MINUTES_A_DAY) | {"hour": minutes % MINUTES_A_DAY // 60, "minute": minutes % 60}
            for part in self.parts:
                column = np.full(len(texts), np.nan)
                column[is_there] = found[part]
                columns.append(column)
        return columns_of(columns, len(X))

    def _names(self, names):
        return [f"{name}_{part}" for name in names for part in self.parts]

    def _text(self, value, index):
        if isinstance(value, datetime.date) and not is_missing(value):
            written = "%Y-%m-%d" if self.format == "date" else "%Y-%m-%dT%H:%M:%SZ"
            raise ValueError(
                f"DateParts: column {index} holds {value!r}, but a row holds dates as text; write them with dt.strftime({written!r})"
            )
        return super()._text(value, index)

    def _minutes(self, text, index):
        """Return the minutes from 1970-01-01 on the clock whose date is meant."""
        minutes = minutes_in(text, self.format)
        if minutes is None:
            raise ValueError(f"DateParts: column {index} holds {text!r}, where a {self.format} is expected")
        return minutes + self.zone_minutes_


def minutes_in(text, format):
    """Return the minutes from 1970-01-01, in UTC, that a text says.

    Parameters
    ----------
    text : str
    format : {"date", "date-time"}

    Returns
    -------
    int or None
        None where the text is no such date: exactly where schema.json's format of this name refuses it.
    """
    found = (_DATE if format == "date" else _TIME).fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups()[:3])
    if not (1 <= month <= 12 and 1 <= day <= _month_days(year, month)):
        return None
    midnight = int(epoch_days(year, month, day)) * MINUTES_A_DAY
    if format == "date":
        return midnight
    hour, minute, second = (int(part) for part in found.groups()[3:6])
    offset = _signed_minutes(*found.groups()[6:])
    if hour > 23 or minute > 59 or second > 59 or offset is None:
        return None
    return midnight + hour * 60 + minute - offset


def epoch_days(year, month, day):
    """Return the days from 1970-01-01 to a date of the Gregorian calendar.

    Parameters
    ----------
    year, month, day : int or ndarray of int

    Returns
    -------
    int or ndarray of int

    Notes
    -----
    Years are counted from March, so that a leap day ends one; an era has 400 years.
    """
    year = year - (month <= 2)
    era, year_of_era = year // 400, year % 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


def date_parts(days):
    """Return every part of `DATE_PARTS` of days since 1970-01-01.

    Parameters
    ----------
    days : ndarray of int64

    Returns
    -------
    dict of str to ndarray
    """
    year, month, day = _civil(days)
    weekday = (days + 3) % 7
    # A week belongs to the year of its Thursday.
    thursday = days - weekday + 3
    first_of_week_year = epoch_days(_civil(thursday)[0], 1, 1)
    next_month = _civil(days + 1)[1]
    return {
        "year": year,
        "quarter": (month + 2) // 3,
        "month": month,
        "day": day,
        "weekday": weekday,
        "day_of_year": days - epoch_days(year, 1, 1) + 1,
        "week": (thursday - first_of_week_year) // 7 + 1,
        "month_end": next_month != month,
        "epoch_day": days,
    }


def _civil(days):
    """Return year, month and day: the way back of `epoch_days`."""
    shifted = days + 719468
    era, day_of_era = shifted // 146097, shifted % 146097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * day_of_year + 2) // 153
    month = (from_march + 2) % 12 + 1
    return era * 400 + year_of_era + (month <= 2), month, day_of_year - (153 * from_march + 2) // 5 + 1


def _month_days(year, month):
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _signed_minutes(sign, hours, minutes):
    """Return what an offset says, 0 for Z, and None for more than 23:59."""
    if sign is None:
        return 0
    if int(hours) > 23 or int(minutes) > 59:
        return None
    return (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)


def _zone_minutes(format, time_zone):
    if format == "date":
        if time_zone is not None:
            raise ValueError(f"DateParts: a date has no time zone; leave out time_zone={time_zone!r}")
        return 0
    if time_zone == "UTC":
        return 0
    found = _ZONE.fullmatch(time_zone) if isinstance(time_zone, str) else None
    minutes = None if found is None else _signed_minutes(*found.groups())
    if minutes is None:
        raise ValueError(
            f'DateParts: expected time_zone "UTC" or a fixed offset such as "+01:00", got {time_zone!r}; the rules of a named zone change, '
            "so send local dates, or local times with their own offset, instead"
        )
    return minutes
