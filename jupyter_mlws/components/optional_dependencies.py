"""Libraries that only some settings need, and what is said where one is not installed."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from jupyter_mlws.core.i18n import Message


@dataclass(frozen=True)
class Extra:
    """An optional library: the module that shows that it is there, and the words if it is not."""

    module: str
    message: Message

    def schema(self) -> dict[str, Any]:
        """What a setting's schema says of a value that needs it."""
        return {"module": self.module, "message": self.message.as_dict()}

    def demand(self) -> None:
        """Raise where it is not installed."""
        if not installed(self.module):
            raise ModuleNotFoundError(str(self.message), name=self.module)


def installed(module: str) -> bool:
    """Whether a top-level module could be imported; it is not. Also if it came a moment ago."""
    importlib.invalidate_caches()
    return importlib.util.find_spec(module) is not None


TORCH = Extra(
    "torch",
    Message("This requires PyTorch, which is not installed: pip install 'jupyter-mlws[torch]'."),
)
