"""Requests that fit a contract and requests that do not, made by schemathesis.

``MLWS_FUZZ`` is how many of either kind for each verb of each URL; without it there are a few,
always the same ones.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jupyter_mlws.api.openapi import document
from mlws.core.errors import CATALOGUE
from tests.series import length

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
WANTED = os.environ.get("MLWS_FUZZ")
REQUESTS = length(1, 4, "MLWS_FUZZ")
LONGEST = 16_000
"""Characters of a request."""
OUTSIDE = (502, 503, 504, 507)
"""Statuses that tell of what is around the server: a remote, a Hub, a disk."""
EMPTY = (204, 304)
"""Statuses of answers without a body."""
TOO_LONG_NAMES = ("x" * 300, "data/" + "数" * 100, f"https://example.invalid/{'x' * 300}.git")
CHECKS = [
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
]

Operations = dict[str, Any]


def operations(routes: Iterable[tuple[str, type]], path: str, **more: bool) -> Operations:
    """Every verb of every URL but the streams, by its name."""
    contract = document(routes, path, **more)
    every = schemathesis.openapi.from_dict(contract).get_all_operations()
    return {
        f"{one.method.upper()} {one.path}": one
        for one in (found.ok() for found in every)
        if "101" not in contract["paths"][one.path][one.method]["responses"]
    }


@dataclass(frozen=True)
class Place:
    """A server's API, who asks, and ids of what is there, by the name of the path's parameter."""

    url: str
    headers: dict[str, str]
    known: dict[str, list[str]] = field(default_factory=dict)
    sent: Counter[int] = field(default_factory=Counter)
    """How many requests had an answer of each status."""

    def answers(self, operation: Any, mode: GenerationMode) -> None:
        """Fails unless every answer is one that the contract has, and no fault of ours."""

        @settings(
            max_examples=REQUESTS,
            deadline=None,
            database=None,
            derandomize=not WANTED,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def check(case: schemathesis.Case, data: st.DataObject) -> None:
            # What is no HTTP, or too long for it, is refused by Tornado before it is ours.
            case.headers = {k: v for k, v in (case.headers or {}).items() if is_plain(k + v)}
            assume(len(case.as_curl_command()) < LONGEST)
            # Most made-up ids lead nowhere: a real one, and the real project, lead further.
            (case.query or {}).pop("project", None)
            for name in case.path_parameters or {}:
                if name in self.known and data.draw(st.booleans()):
                    case.path_parameters[name] = data.draw(st.sampled_from(self.known[name]))
            if data.draw(st.booleans()):
                spoil(case, data)
            answer = case.call(base_url=self.url, headers=self.headers, timeout=120)
            self.sent[answer.status_code] += 1
            # The file of a log without lines is empty.
            may_be_empty = answer.status_code in EMPTY or operation.path == "/logs/download"
            assert answer.content or may_be_empty, case.as_curl_command()
            outside = answer.status_code in OUTSIDE
            if outside:
                assert CATALOGUE[answer.json()["code"]].status == answer.status_code
            excluded = [not_a_server_error] if outside else []
            case.validate_response(answer, checks=CHECKS, excluded_checks=excluded)
            # An id of several parts is the address of another endpoint, or of none.
            parts = map(str, (case.path_parameters or {}).values())
            if answer.status_code >= 400 and not any("/" in part for part in parts):
                declared = operation.definition.raw["responses"][str(answer.status_code)]
                assert answer.json()["code"] in declared["description"], case.as_curl_command()

        check()


def spoil(case: schemathesis.Case, data: st.DataObject) -> None:
    """Put names in the request that no file can have."""

    def spoiled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoiled(part) for key, part in value.items()}
        if isinstance(value, list):
            return [spoiled(part) for part in value]
        if isinstance(value, str) and data.draw(st.booleans()):
            return data.draw(st.sampled_from(TOO_LONG_NAMES))
        return value

    case.body = spoiled(case.body)
    for place in (case.query or {}, case.path_parameters or {}):
        for name, value in place.items():
            if isinstance(value, str) and data.draw(st.booleans()):
                place[name] = data.draw(st.sampled_from(TOO_LONG_NAMES))


def is_plain(text: str) -> bool:
    """Whether it may be in a header."""
    return text.isascii() and text.isprintable()
