"""Titles, labels and conditions of settings, beside their types and defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import Field

from jupyter_mlws.components.expressions import FUNCTIONS
from jupyter_mlws.components.kinds import ColumnRole, Identifiers
from jupyter_mlws.components.preparation import Preparation

if TYPE_CHECKING:
    from jupyter_mlws.components.needs import Needs


class Labels:
    """Titles of a setting's choices; a choice without one is shown as its value in words."""

    def __init__(self, **titles: str) -> None:
        self.titles = titles


class New:
    """The value that a new node gets, where nodes without one keep an older default."""

    def __init__(self, value: Any) -> None:
        self.value = value


class AppliesTo:
    """The values of other settings with which a setting has an effect; forms hide it otherwise."""

    def __init__(self, **values: tuple[Any, ...]) -> None:
        self.values = values


class ColumnOf:
    """Marks a setting that names columns of a table, by default of the first input table.

    ``required``: the columns have to exist. ``role``: an empty setting is the column with it.
    """

    def __init__(
        self, port: str = "", *, required: bool = True, role: ColumnRole | None = None
    ) -> None:
        self.port = port
        self.required = required
        self.role = role


class ExpressionOf:
    """Marks a setting as an expression over the columns of the first input table, or a list.

    ``is_condition``: it has to be true or false for each row.
    """

    def __init__(self, *, is_condition: bool) -> None:
        self.is_condition = is_condition


@dataclass(eq=False)
class PairsOf:
    """Marks a list of ``column=value``, for columns of a table, by default the first input.

    ``title``: title of the values. ``choices``: all values, else any text; ``labels``: their
    titles, by default the words for types. ``required``: the columns have to exist. ``initial``:
    value of a new item; ``{column}`` is its column. ``port``: another table, also of an output.
    ``about``: the values are kinds or roles of a source's columns, which its form shows as a table.
    """

    title: str
    choices: Sequence[str] = ()
    _: KW_ONLY
    required: bool = True
    initial: str = ""
    port: str = ""
    labels: Sequence[str] = ()
    about: Literal["", "kind", "role"] = ""


class RulesOf:
    """Marks a list of rules that other settings hold.

    A rule is named after its setting and its item, such as ``complete: age``; ``single``: a setting
    that is one rule.
    """

    def __init__(self, *settings: str, single: str) -> None:
        self.settings = settings
        self.single = single


ColumnName = Annotated[str, ColumnOf()]
Expression = Annotated[str, ExpressionOf(is_condition=False)]
ConditionExpression = Annotated[str, ExpressionOf(is_condition=True)]
ColumnNames = Annotated[list[str], ColumnOf()]
ExcludedColumns = Annotated[list[str], Field(title="Excluded columns"), ColumnOf(required=False)]
TargetColumn = Annotated[str, Field(title="Target column"), ColumnOf(role="target")]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Trees = Annotated[Count, Field(title="Number of trees")]
MaximumDepth = Annotated[Count | None, Field(title="Maximum depth")]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1, title="Random seed")]
Prepare = Annotated[
    Preparation,
    Labels(none="None (numbers without gaps)"),
    New("automatic"),
]
Folds = Annotated[int, Field(ge=2, title="Cross-validation folds")]
LeftIdentifiers = Annotated[
    Identifiers,
    Field(title="Identifiers"),
    Labels(transform="Like other columns", leave="Leave as they are"),
    New("leave"),
]
Standardize = Annotated[bool, Field(title="Standardize features")]
FigureTitle = Annotated[str, Field(title="Figure title")]


def unless_prepared(check: Needs) -> Needs:
    """Return a check of a learner's columns that steps of “Prepare Columns” make fit."""

    def check_columns(settings: Mapping[str, Any], inputs: Any) -> Any:
        more = {"preparation": "automatic"} if inputs.get("steps") else {}
        return check({**settings, **more}, inputs)

    return check_columns


def words(name: str) -> str:
    """Return an identifier as a title: ``max_depth`` is “Max depth”."""
    return name.replace("_", " ").strip().capitalize()


def describe(
    schema: dict[str, Any], hints: dict[str, Any], tables: Sequence[str]
) -> dict[str, Any]:
    """Add titles and the keywords of forms to the JSON Schema of settings.

    ``x-labels``: titles in the order of the choices. ``x-new``: value of a new node, instead of the
    default. ``x-applies-to``: values of other settings by their names. ``x-columns``: the input
    ``port`` whose columns a setting names, whether they are ``required`` to exist, and the ``role``
    that an empty setting means. ``x-expression``: the ``port`` whose columns an expression names,
    and ``condition`` if it has to be true or false, and all ``functions``. ``x-pairs``: each item
    is ``column=value``; has the ``port`` of the columns, the ``title``, ``choices`` and ``labels``
    of the values, and what they are ``about``. ``x-rules``: settings whose items are rules that
    this one lists. ``tables``: ports of input tables.
    """
    for name, setting in schema.get("properties", {}).items():
        metadata = _metadata(hints.get(name))
        own_titles = filter(None, (getattr(part, "title", None) for part in metadata))
        setting["title"] = next(own_titles, words(name))
        titles = {
            key: title
            for part in metadata
            if isinstance(part, Labels)
            for key, title in part.titles.items()
        }
        for choices in (setting, setting.get("items", {}), *setting.get("anyOf", ())):
            if "enum" in choices:
                choices["x-labels"] = [titles.get(str(v), words(str(v))) for v in choices["enum"]]
        for part in metadata:
            if isinstance(part, RulesOf):
                setting["x-rules"] = [*part.settings, part.single]
            if isinstance(part, PairsOf) and (part.port or tables):
                setting["x-pairs"] = {
                    "port": part.port or tables[0],
                    "required": part.required,
                    "choices": list(part.choices),
                    "initial": part.initial,
                    "title": part.title,
                    **({"labels": list(part.labels)} if part.labels else {}),
                    **({"about": part.about} if part.about else {}),
                }
            if isinstance(part, ExpressionOf) and tables:
                setting["x-expression"] = {
                    "port": tables[0],
                    "condition": part.is_condition,
                    "functions": sorted(FUNCTIONS),
                }
            if isinstance(part, New):
                setting["x-new"] = part.value
            if isinstance(part, AppliesTo):
                setting["x-applies-to"] = {key: list(values) for key, values in part.values.items()}
            if isinstance(part, ColumnOf) and (part.port or tables):
                setting["x-columns"] = {
                    "port": part.port or tables[0],
                    "required": part.required,
                } | ({"role": part.role} if part.role else {})
    return schema


def _metadata(hint: Any) -> list[Any]:
    """Return the metadata of ``Annotated`` in a type, at any depth."""
    inner = [part for argument in get_args(hint) for part in _metadata(argument)]
    return [*getattr(hint, "__metadata__", ()), *inner]
