"""Components: typed Python functions that are nodes of a workflow.

```python
from jupyter_mlws.components import Table, component

@component
def keep_adults(data: Table, *, minimum_age: int = 18) -> Table:
    \"\"\"Keep adults.

    minimum_age: the youngest age that stays.
    \"\"\"
    return data[data.age >= minimum_age]
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_mlws.components.artifacts import (
    Figure,
    File,
    Folder,
    Metrics,
    Model,
    Table,
    Text,
)

if TYPE_CHECKING:
    from jupyter_mlws.components.columns import like
    from jupyter_mlws.components.declaration import component
    from jupyter_mlws.components.parameters import ColumnName, ColumnNames

__all__ = [
    "ColumnName",
    "ColumnNames",
    "Figure",
    "File",
    "Folder",
    "Metrics",
    "Model",
    "Table",
    "Text",
    "component",
    "like",
]

# They need pydantic, and most of those who import this package do not need it.
_MODULES = {
    "ColumnName": "parameters",
    "ColumnNames": "parameters",
    "component": "declaration",
    "like": "columns",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
