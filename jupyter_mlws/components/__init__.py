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
    from jupyter_mlws.components.declaration import component

__all__ = ["Figure", "File", "Folder", "Metrics", "Model", "Table", "Text", "component"]


def __getattr__(name: str) -> Any:
    # The decorator needs pydantic, and most of those who import this package do not need it.
    if name == "component":
        from jupyter_mlws.components.declaration import component

        return component
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
