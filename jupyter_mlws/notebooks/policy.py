"""Checks code with bandit before any of it runs."""

from __future__ import annotations

import asyncio
import json
import sys
from enum import StrEnum

from jupyter_mlws.core.errors import CodeBlockedError, CodeCheckError
from jupyter_mlws.notebooks.models import CodeWarning
from jupyter_mlws.notebooks.syntax import replace_magics
from mlws.core.errors import MLWSError

TIMEOUT = 20.0
"""Seconds for one check."""


class Policy(StrEnum):
    """Action on code for which the check has findings."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


class CodeCheck:
    """Checks Python code with bandit, in a process of its own.

    Findings of low severity (every `assert` is one) are left out.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    @property
    def refuses(self) -> bool:
        """True if code with findings must not run."""
        return self._policy is Policy.REFUSE

    async def __call__(self, source: str, cell: str | None) -> list[CodeWarning]:
        """Return the findings for ``source``; CodeCheckError if the check itself fails."""
        if self._policy is Policy.OFF:
            return []
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "bandit", "-q", "-ll", "--exit-zero", "-f", "json", "-"],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        errors = b""
        try:
            output, errors = await asyncio.wait_for(
                process.communicate(replace_magics(source).encode()), TIMEOUT
            )
            rows = json.loads(output)["results"]
        except (TimeoutError, ValueError, KeyError) as error:
            reason = errors.decode(errors="replace") or str(error) or type(error).__name__
            raise CodeCheckError(reason=reason.strip()[-300:]) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return [
            CodeWarning(
                cell=cell,
                line=row["line_number"],
                severity=row["issue_severity"],
                test=row["test_id"],
                message=row["issue_text"],
            )
            for row in rows
        ]


def refusal(findings: list[CodeWarning]) -> MLWSError:
    """Return the error for code that is not run because of ``findings``."""
    first = findings[0]
    return CodeBlockedError(
        line=first.line,
        reason=first.message,
        test=first.test,
        cell=first.cell,
        findings=[one.model_dump() for one in findings],
    )
