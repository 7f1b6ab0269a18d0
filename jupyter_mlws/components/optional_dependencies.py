"""Libraries that only some settings need, with the messages for a missing one."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from mlws.core.i18n import Message


@dataclass(frozen=True)
class Extra:
    """An optional library: the module that shows its presence, and the message if it is missing."""

    module: str
    message: Message

    def schema(self) -> dict[str, Any]:
        """Return the part of a setting's JSON Schema that marks a value as needing the library."""
        return {"module": self.module, "message": self.message.as_dict()}

    def demand(self) -> None:
        """Raise ModuleNotFoundError if the library is not installed."""
        if not installed(self.module):
            raise ModuleNotFoundError(str(self.message), name=self.module)


def installed(module: str) -> bool:
    """Return whether a top-level module can be imported, without importing it.

    A module that was installed since the last call is found, too.
    """
    importlib.invalidate_caches()
    return importlib.util.find_spec(module) is not None


XGBOOST = Extra(
    "xgboost",
    Message("This requires XGBoost, which is not installed: pip install 'jupyter-mlws[xgboost]'."),
)
LIGHTGBM = Extra(
    "lightgbm",
    Message(
        "This requires LightGBM, which is not installed: pip install 'jupyter-mlws[lightgbm]'."
    ),
)
BOOSTING_NEEDS = {"x-needs": {"xgboost": XGBOOST.schema(), "lightgbm": LIGHTGBM.schema()}}
"""Part of the JSON Schema of a choice of algorithms with XGBoost and LightGBM."""
BOOSTING_LABELS = {
    "xgboost": "XGBoost (optional package)",
    "lightgbm": "LightGBM (optional package)",
}
TORCH = Extra(
    "torch",
    Message("This requires PyTorch, which is not installed: pip install 'jupyter-mlws[torch]'."),
)
