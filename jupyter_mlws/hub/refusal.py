"""A start that is refused, as the Hub's pages and its API show it to the person."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from jupyterhub.spawner import SpawnException

from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.hub import words

SEE = Message("View your containers")


class Refusal(SpawnException):  # type: ignore[misc]
    """Carries one error of the catalogue: as text for the API, as HTML for the pages."""

    def __init__(self, envelope: Mapping[str, Any], status: int, language: str) -> None:
        self.envelope = envelope
        self.language = language
        text = words.sentence(envelope)
        super().__init__(text, reason=str(envelope["code"]), status_code=status)
        self.jupyterhub_message = text
        self.jupyterhub_html_message = words.page(envelope)

    @classmethod
    def of(cls, error: MLWSError, language: str) -> Refusal:
        """An error of our own."""
        return cls(error.as_dict(language), error.status, language)

    def link(self, address: str) -> None:
        """Add the way to the page where the person sees what runs and what waits."""
        label = html.escape(SEE.in_(self.language))
        self.jupyterhub_html_message += f' <a href="{html.escape(address)}">{label}</a>'
