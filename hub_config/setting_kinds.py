"""Kinds of settings: how a value is written in a variable and in the file, and what is valid."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
"""An amount of a resource, as Kubernetes writes it."""
RESOURCE_NAMES = ("cpu", "memory", "gpu")
MAX_PORT = 65535
MIN_MASK, MAX_MASK = 8, 28
"""Lengths of a subnet's prefix: Docker allows no larger ones, and smaller ones hold few labs."""


class SettingError(ValueError):
    """Error for an invalid setting; the message names it and a valid value."""


@dataclass(frozen=True)
class Kind:
    """A kind of setting.

    ``valid`` says what is valid, for error messages. ``check`` returns the value, which comes from
    the file or from ``parse``; it raises ValueError, TypeError or AttributeError if it is invalid.
    ``parse`` reads the text of a variable.
    """

    valid: str
    check: Callable[[Any], Any]
    parse: Callable[[str], Any] = str


def to_text(value: Any) -> str:
    """Return a value as the text of a variable."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def to_toml(value: Any) -> str:
    """Return a value as TOML, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        rows = (f"{_to_key(key)} = {to_toml(one)}" for key, one in value.items())
        return f"{{ {', '.join(rows)} }}" if value else "{}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(to_toml, value))}]"
    if isinstance(value, int | float):
        return str(value)
    # TOML has JSON's escapes, but not its surrogates and not a bare DEL.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _to_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else to_toml(name)


def _require(condition: object) -> None:
    if not condition:
        raise ValueError


def _text(value: Any) -> str:
    _require(isinstance(value, str) and "\0" not in value and "\n" not in value)
    return str(value)


def _number(low: float, high: float = float("inf")) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        _require(isinstance(value, int) and not isinstance(value, bool) and low <= value <= high)
        return int(value)

    return check


def _seconds(value: Any) -> float:
    _require(isinstance(value, int | float) and not isinstance(value, bool))
    _require(0 < value < float("inf"))
    return float(value)


def _flag(value: Any) -> bool:
    _require(isinstance(value, bool))
    return bool(value)


def _parse_flag(text: str) -> bool:
    _require(text in ("0", "1"))
    return text == "1"


def _ports(value: Any) -> tuple[int, ...]:
    return tuple(map(_number(1, MAX_PORT), value))


def _name(value: Any) -> str:
    _require(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", value))
    return str(value)


def _address(value: Any) -> str:
    _require(value in ("", "localhost") or ipaddress.ip_address(value))
    return str(value)


def _subnet(value: Any) -> str:
    network = ipaddress.IPv4Network(value)
    _require(MIN_MASK <= network.prefixlen <= MAX_MASK)
    return str(value)


def _networks(value: Any) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(one, strict=False)) for one in value)


def _quantity(value: Any) -> str:
    _require(QUANTITY.fullmatch(value))
    return str(value)


def _resources(value: Any) -> Mapping[str, str]:
    """Check amounts by resource; numbers are as good as texts."""
    amounts = {key: str(one) for key, one in value.items()}
    _require(set(amounts) <= set(RESOURCE_NAMES) and all(map(QUANTITY.fullmatch, amounts.values())))
    return amounts


def _images(value: Any) -> Mapping[str, str]:
    images = dict(value.items())
    _require(
        images and all(isinstance(one, str) and one for pair in images.items() for one in pair)
    )
    return images


def _profiles(value: Any) -> Mapping[str, Mapping[str, str]]:
    return {str(name): _resources(size) for name, size in value.items()}


def _origin(value: Any) -> str:
    """Return the origin (scheme, name, port) of an address; https if it has no scheme."""
    if not value:
        return ""
    parts = urlsplit(value if "://" in value else f"https://{value}")
    name = parts.hostname or ""
    try:
        ipaddress.ip_address(name)
        is_name = False
    except ValueError:
        is_name = bool(name)
    rest = (parts.path.strip("/"), parts.query, parts.fragment, parts.username or "")
    _require(parts.scheme in ("http", "https") and is_name and not any(rest))
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _choice(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        _require(value in choices)
        return str(value)

    return check


FOLDER = Kind("the path of a folder", lambda value: Path(_text(str(value))).absolute())
TEXT = Kind("a text that is not empty", lambda value: _text(value) or _require(value))
OPTIONAL_TEXT = Kind("a text", _text)
PORT = Kind(f"a port, from 1 to {MAX_PORT}", _number(1, MAX_PORT), int)
PORTS = Kind(
    "ports, such as 5432,9000",
    _ports,
    lambda text: [int(port) for port in text.split(",") if port],
)
COUNT = Kind("a whole number, 0 or more", _number(0), int)
SECONDS = Kind("a number of seconds above 0", _seconds, float)
FACTOR = Kind("a number above 0, such as 1.5", _seconds, float)
FLAG = Kind("true or false (in a variable: 1 or 0)", _flag, _parse_flag)
NAME = Kind("1 to 40 lowercase letters, digits and hyphens, such as mlws", _name)
ADDRESS = Kind("an IP address, such as 127.0.0.1", _address)
SUBNET = Kind(f"an IPv4 subnet from /{MIN_MASK} to /{MAX_MASK}, such as 198.18.0.0/20", _subnet)
NETWORKS = Kind(
    "addresses or networks, such as 192.0.2.1,10.0.0.0/8",
    _networks,
    lambda text: [part.strip() for part in text.split(",") if part.strip()],
)
SIZE = Kind("an amount such as 20Gi", _quantity)
OPTIONAL_SIZE = Kind("an amount such as 20Gi, or nothing", lambda value: value and _quantity(value))
RESOURCES = Kind(
    'amounts by resource, such as {"cpu": "4", "memory": "8Gi"}', _resources, json.loads
)
IMAGES = Kind('images by name, such as {"Lab": "mlws-lab"}', _images, json.loads)
PROFILES = Kind(
    'amounts by name, such as {"small": {"cpu": "500m", "memory": "1Gi"}}', _profiles, json.loads
)
LOG_FORMAT = Kind('empty or "ecs"', _choice("", "ecs"))
ANSWER = Kind('"yes", "no" or "ask"', _choice("yes", "no", "ask"))
ORIGIN = Kind(
    "the Hub's own address, for example https://hub.example.org. Its subdomains must point to the"
    " same machine",
    _origin,
)
