"""Who asks the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """User who makes a request; a service of the Hub has no name."""

    name: str
    admin: bool

    def may_see(self, user: str) -> bool:
        return self.admin or self.name == user
