"""The field types of blocks: durations, ids, routes, patterns, exact decimals, each refusing in plain words."""

from __future__ import annotations

import re
import warnings
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from store.errors import BadInput
from store.instants import format_duration, parse_duration
from store.runbook.faults import nearest
from store.runbook.model import PROBE_OUTCOMES
from store.runbook.schedule import Schedule

LONGEST_MS = 366 * 24 * 3_600_000
LARGEST = 10**12
"""Beyond any count or reading; keeps every product of the views within 64 bits."""

_ID = re.compile(r"[^\s\"'`,|\\]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROUTE_SEGMENT = re.compile(r"[^\s?#]+")


class Closed(BaseModel):
    """A table with a closed set of keys and no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _duration(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f'a duration is text such as "30m", "90s" or "1500ms", not {value!r}')
    try:
        ms = parse_duration(value)
    except BadInput as error:
        raise ValueError(str(error)) from None
    if ms > LONGEST_MS:
        raise ValueError(f"{value!r} is longer than {format_duration(LONGEST_MS)}")
    return ms


def _positive(ms: int) -> int:
    if ms <= 0:
        raise ValueError("must be longer than zero")
    return ms


def _identifier(value: str) -> str:
    if not _ID.fullmatch(value) or not value.isprintable() or len(value) > 100:
        raise ValueError(f"{value!r} is not an id: use letters, digits, - _ . without spaces or quotes, 100 at most")
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise ValueError(f'{value!r} is not the name of a variable: write it like "BASE_URL", without $ or braces')
    return value


def _route(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError(f"{value!r} is not a route: it starts with / and has no host")
    if value == "/":
        return value
    for segment in value[1:].split("/"):
        if not _ROUTE_SEGMENT.fullmatch(segment):
            raise ValueError(
                f"{value!r} is not a whole path: no query, no fragment, no spaces, no double or trailing slash"
            )
    return value


def _route_pattern(value: str) -> str:
    _route(value)
    segments = value[1:].split("/")
    for at, segment in enumerate(segments):
        if segment == "**" and at != len(segments) - 1:
            raise ValueError(f"{value!r}: ** stands for a rest, so only at the end; * is one segment")
        if "*" in segment and segment not in ("*", "**"):
            raise ValueError(f"{value!r}: * stands for one whole segment and ** for a trailing rest")
    return value


def _literal_route(value: str) -> str:
    _route(value)
    if "*" in value.split("/"):
        raise ValueError(f"{value!r}: a probe asks one route; * is for signatures")
    return value


def _page(value: str) -> str:
    if not value.startswith(("/", "{{", "https://", "http://")):
        raise ValueError(f"{value!r} is not a page: it starts with / or is a whole address")
    return value


def _pattern(value: str) -> str:
    try:
        with warnings.catch_warnings():
            # Python reads some doubtful sets with a warning and may read them otherwise one day.
            warnings.simplefilter("error")
            re.compile(value)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"the regular expression does not compile: {error}") from None
    return value


def _outcome(value: str) -> str:
    if value not in PROBE_OUTCOMES:
        hint = nearest(value, PROBE_OUTCOMES)
        raise ValueError(f"{hint} an outcome is one of {', '.join(PROBE_OUTCOMES)}".strip())
    return value


def _cron(value: str) -> str:
    Schedule.parse(value)
    return value


def _micro(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"must be a number, not {value!r}")
    number = Decimal(value)
    if not number.is_finite() or number.copy_abs() > LARGEST:
        raise ValueError(f"must be a number of at most {LARGEST}")
    # Decimal arithmetic would round to its context's digits; the digits themselves are exact.
    sign, figures, exponent = number.as_tuple()
    digits = "".join(map(str, figures))
    whole = digits.rstrip("0")
    places = int(exponent) + len(digits) - len(whole) + 6
    if not whole:
        return 0
    if places < 0:
        raise ValueError(f"{value} is finer than a millionth")
    return (-1 if sign else 1) * int(whole + "0" * places)


def _share(value: Any) -> float:
    number = Decimal(_micro(value)) / 1_000_000
    if not 0 < number <= 1:
        raise ValueError(f"{value} is not a share: it is over 0 and at most 1")
    return float(number)


def _not_negative(value: int) -> int:
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _each_once(values: list[Any]) -> list[Any]:
    for at, value in enumerate(values):
        if value in values[:at]:
            raise ValueError(f'"{value}" is named twice')
    return values


def _some(values: list[Any]) -> list[Any]:
    if not values:
        raise ValueError("must name at least one")
    return values


def _plain_texts(value: Any) -> Any:
    """Turn the numbers and truths of a `where` table into the text they have in a log."""
    if not isinstance(value, dict):
        return value
    texts = {}
    for key, wanted in value.items():
        if isinstance(wanted, bool):
            texts[key] = "true" if wanted else "false"
        elif isinstance(wanted, int | Decimal):
            texts[key] = str(wanted)
        else:
            texts[key] = wanted
    return texts


Text = Annotated[str, AfterValidator(_text)]
Id = Annotated[str, AfterValidator(_identifier)]
Variable = Annotated[str, AfterValidator(_variable)]
Pause = Annotated[int, BeforeValidator(_duration)]
"""A duration that may be zero."""
Duration = Annotated[int, BeforeValidator(_duration), AfterValidator(_positive)]
RoutePattern = Annotated[str, AfterValidator(_route_pattern)]
Route = Annotated[str, AfterValidator(_literal_route)]
Page = Annotated[str, AfterValidator(_page)]
Pattern = Annotated[str, AfterValidator(_text), AfterValidator(_pattern)]
Outcome = Annotated[str, AfterValidator(_outcome)]
Cron = Annotated[str, AfterValidator(_cron)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Positive = Annotated[int, Field(ge=1, le=LARGEST)]
Percent = Annotated[int, Field(ge=0, le=100)]
Status = Annotated[int, Field(ge=0, le=999)]
Micro = Annotated[int, BeforeValidator(_micro)]
MicroNotNegative = Annotated[int, BeforeValidator(_micro), AfterValidator(_not_negative)]
Share = Annotated[float, BeforeValidator(_share)]
Texts = Annotated[list[Text], BeforeValidator(_one_or_many), AfterValidator(_each_once)]
SomeTexts = Annotated[list[Text], BeforeValidator(_one_or_many), AfterValidator(_some), AfterValidator(_each_once)]
Pages = Annotated[list[Page], BeforeValidator(_one_or_many), AfterValidator(_each_once)]
Ids = Annotated[list[Id], BeforeValidator(_one_or_many), AfterValidator(_each_once)]
SomeIds = Annotated[list[Id], BeforeValidator(_one_or_many), AfterValidator(_some), AfterValidator(_each_once)]
Variables = Annotated[list[Variable], AfterValidator(_each_once)]
Statuses = Annotated[list[Status], BeforeValidator(_one_or_many), AfterValidator(_some), AfterValidator(_each_once)]
RoutePatterns = Annotated[
    list[RoutePattern], BeforeValidator(_one_or_many), AfterValidator(_some), AfterValidator(_each_once)
]
Routes = Annotated[list[Route], BeforeValidator(_one_or_many), AfterValidator(_some), AfterValidator(_each_once)]
Where = Annotated[dict[Text, str], BeforeValidator(_plain_texts)]
