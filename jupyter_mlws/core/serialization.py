"""Answers as JSON, in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message


def encode_json(body: Any, language: str) -> bytes:
    """JSON in UTF-8, the messages in ``language``.

    Of a file's name that is not UTF-8 the odd bytes are escaped surrogates.
    """

    def to_json(data: Any) -> Any:
        if isinstance(data, Message):
            return data.in_(language)
        if isinstance(data, BaseModel):
            return data.model_dump(mode="json", by_alias=True, context={"language": language})
        if isinstance(data, MLWSError):
            return data.as_dict(language)
        return dict(data) if isinstance(data, Mapping) else str(data)

    text = json.dumps(body, ensure_ascii=False, default=to_json)
    return text.encode("utf-8", "backslashreplace")
