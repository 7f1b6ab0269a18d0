"""Columns of tables before a workflow runs, derived from the settings of each component.

A component declares its rule with ``@component(columns=…)``: :func:`like`, or a function of its
settings and inputs. A rule never guesses: what depends on the values of a table is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from jupyter_mlws.components.kinds import ColumnKind, ColumnRole, KindReason
from jupyter_mlws.components.tables import TARGET

ColumnType = Literal["integer", "number", "boolean", "text", "date", "other"]


class Column(NamedTuple):
    """Facts about a column; None is unknown.

    Its type, some of its values as text, its kind and role, whether values are missing, whether all
    numbers are whole, why it is of its kind, and whether a number is infinite or larger than 32
    bits can hold.
    """

    type: ColumnType | None = None
    examples: tuple[str, ...] = ()
    kind: ColumnKind | None = None
    role: ColumnRole | None = None
    has_gaps: bool | None = None
    is_whole: bool | None = None
    reason: KindReason | None = None
    has_infinite: bool | None = None

    @property
    def choice(self) -> dict[str, Any]:
        """Kind and role that a person chose; columns of its name have them in later tables, too."""
        kind = {"kind": self.kind, "reason": self.reason} if self.reason == "chosen" else {}
        return {"role": self.role, **kind} if kind or self.role else {}


ANY = Column()
INTEGER = Column("integer")
NUMBER = Column("number")


@dataclass(frozen=True)
class Schema:
    """Known columns of a table by name, in their order.

    ``complete``: true if the table has no others.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    complete: bool = True


UNKNOWN = Schema(complete=False)


@dataclass(frozen=True)
class Fitted:
    """A fitted transformer: the columns of the table that it was fitted on, and of its result."""

    before: Schema
    after: Schema


Settings = Mapping[str, Any]
Value = Schema | Fitted
Inputs = Mapping[str, Sequence[Value]]
"""Values of the input ports; a port without a connection has none."""


class Like(BaseModel):
    """Rule of a component: the columns of an input, without some and with others.

    In names, ``{setting}`` is the value of a setting, or each of its values if it is a list. A
    setting without a value names no column.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: str
    add: dict[str, ColumnType | None] = {}
    drop: tuple[str, ...] = ()

    def __call__(self, settings: Settings, inputs: Inputs) -> Schema:
        table = table_of(inputs, self.port)
        dropped = {name for pattern in self.drop for name in _names(pattern, settings)}
        columns = {name: one for name, one in table.columns.items() if name not in dropped}
        for pattern, kind in self.add.items():
            columns |= dict.fromkeys(_names(pattern, settings), Column(kind))
        return Schema(columns, table.complete)


def like(
    port: str, add: Mapping[str, ColumnType | None] | None = None, drop: Iterable[str] = ()
) -> Like:
    """Return the rule that output tables have the columns of the input ``port``.

    ``add``: new columns with their types (None: unknown); ``drop``: names of columns that the
    output does not have. ``"{column}"`` is the value of the setting ``column``.
    """
    return Like(port=port, add=dict(add or {}), drop=tuple(drop))


SETTING = re.compile(r"\{(\w+)\}")
READ: Literal["read"] = "read"
"""Rule of a component without input tables: it is run on the head of its files."""
Result = Schema | Mapping[str, Schema]
"""Columns of all output tables, or of each by its port."""
Rule = Like | Callable[[Settings, Inputs], Result] | Literal["read"]


def table_of(inputs: Inputs, port: str) -> Schema:
    """Return the columns of the table at an input port; unknown if there is none."""
    values = inputs.get(port) or (UNKNOWN,)
    return values[0] if isinstance(values[0], Schema) else UNKNOWN


def target_of_schema(table: Schema, setting: Any) -> str | None:
    """Return the column to predict, as `tables.target_of` does; None if it is not known."""
    if setting:
        return str(setting)
    for name, column in table.columns.items():
        if column.role == "target":
            return name
    if TARGET in table.columns or not table.complete:
        return TARGET
    return next(reversed(list(table.columns)), None)


def predictor(settings: Settings, inputs: Inputs) -> Mapping[str, Schema]:
    """Rule of a learner: the target of its model."""
    goal = target_of_schema(table_of(inputs, "data"), settings["target"])
    columns = {} if goal is None else {goal: Column(role="target")}
    return {"model": Schema(columns, complete=False)}


def with_roles(table: Schema, inputs: Inputs) -> Schema:
    """Return the columns with the roles and chosen kinds of those of the same names in inputs.

    A run does so for each node.
    """
    choices = choices_of(inputs)
    columns = {
        name: column if column.choice else column._replace(**choices.get(name, {}))
        for name, column in table.columns.items()
    }
    return Schema(columns, table.complete)


def choices_of(inputs: Inputs) -> dict[str, dict[str, Any]]:
    """Return what a person chose for columns of the input tables; the first one's goes first."""
    choices: dict[str, dict[str, Any]] = {}
    for schemas in inputs.values():
        for schema in schemas:
            for name, column in schema.columns.items() if isinstance(schema, Schema) else ():
                if column.choice:
                    choices.setdefault(name, column.choice)
    return choices


def possible_columns(inputs: Inputs) -> Schema:
    """Return the columns with a role or chosen kind that a table of unknown code may have."""
    return Schema({n: ANY._replace(**one) for n, one in choices_of(inputs).items()}, complete=False)


def _names(pattern: str, settings: Settings) -> list[str]:
    """Return the names of a pattern: none if its setting is empty."""
    match = SETTING.search(pattern)
    if match is None:
        return [pattern]
    value = settings.get(match[1])
    values = value if isinstance(value, list) else [value]
    return [pattern.replace(match[0], str(one)) for one in values if one not in (None, "")]


def protected(table: Schema) -> set[str]:
    """Return the columns that transformations leave alone unless they are chosen by name."""
    return {n for n, column in table.columns.items() if column.role not in (None, "feature")}


def leaves_identifiers(settings: Settings) -> bool:
    """Return whether a transformation leaves columns alone by what their values are in the run."""
    return settings.get("identifiers") == "leave" and not settings.get("columns")


def numeric_columns(table: Schema) -> tuple[list[str], list[str]]:
    """Return the columns that are numeric for pandas, and those of which that is not known.

    Booleans are numeric only without missing values.
    """
    kinds = {name: column.type for name, column in table.columns.items()}
    numbers = [name for name, kind in kinds.items() if kind in ("integer", "number")]
    return numbers, [name for name, kind in kinds.items() if kind in (None, "boolean")]


def select_columns(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `select_columns`."""
    table = table_of(inputs, "data")
    names = settings["columns"] or list(table.columns)
    columns = {n: table.columns.get(n, ANY) for n in names if n not in settings["drop"]}
    return Schema(columns, table.complete or bool(settings["columns"]))


def save_table(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `save_table`: a text file has no types."""
    table = table_of(inputs, "data")
    names = settings["columns"] or list(table.columns)
    return Schema(dict.fromkeys(names, ANY), table.complete or bool(settings["columns"]))


def clean_rows(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `clean_rows`."""
    table = table_of(inputs, "data")
    if settings["missing"] == "drop":
        return _retype(table, lambda column: column._replace(has_gaps=False))
    if settings["missing"] != "zero":
        return _retype(table, lambda column: column._replace(has_gaps=None))
    return _retype(
        table,
        lambda column: column._replace(
            has_gaps=False if column.type in ("integer", "number") else column.has_gaps
        ),
    )


def encode_categories(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `encode_categories`: their names depend on the categories if they are one-hot."""
    table = table_of(inputs, "data")
    numbers, unsure = numeric_columns(table)
    dates = [name for name, column in table.columns.items() if column.type == "date"]
    chosen = settings["columns"]
    others = {*numbers, *unsure, *dates, *protected(table)}
    encoded = chosen or [name for name in table.columns if name not in others]
    unsure = [name for name in unsure if name not in protected(table)]
    if settings["method"] == "ordinal":
        kind = ANY if leaves_identifiers(settings) else NUMBER
        new = dict.fromkeys(encoded, kind) | dict.fromkeys([] if chosen else unsure, ANY)
        columns = {name: new.get(name, column) for name, column in table.columns.items()}
        return Schema(columns, table.complete)
    if not encoded and not unsure and table.complete:
        return table
    removed = {*encoded, *([] if chosen else unsure)}
    return Schema({n: c for n, c in table.columns.items() if n not in removed}, complete=False)


def impute_missing(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `impute_missing`."""
    table = table_of(inputs, "data")
    averages = settings["numbers"] in ("mean", "median")
    is_unsure = leaves_identifiers(settings)
    has_gaps = None if is_unsure else False
    filled_number = NUMBER._replace(has_gaps=has_gaps)
    others = {*settings["ignore"], *protected(table)}

    def filled(name: str, column: Column) -> Column:
        if name not in settings["columns"] if settings["columns"] else name in others:
            return column
        if column.type in ("integer", "number"):
            if averages and column.type == "integer" and settings.get("integers") == "stay":
                # Those with gaps become numbers, as pandas' nullable ones do.
                return ANY
            is_kept = is_unsure and column.type == "integer"
            return filled_number if averages and not is_kept else ANY
        return column._replace(has_gaps=has_gaps) if column.type == "text" else ANY

    return Schema({n: filled(n, column) for n, column in table.columns.items()}, table.complete)


def check_table(_: Settings, inputs: Inputs) -> Mapping[str, Schema]:
    """Columns of `check_table`: of the table, and of the list of violated rules."""
    text = Column("text")
    failures = {"rule": text, "effect": text, "rows": INTEGER, "first rows": text, "message": text}
    return {"table": table_of(inputs, "data"), "failures": Schema(failures)}


def rename_columns(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `rename_columns`."""
    table = table_of(inputs, "data")
    pairs = {}
    for pair in settings["names"]:
        old, _, new = (part.strip() for part in pair.partition("="))
        pairs[old] = new
    columns = {}
    for name, column in table.columns.items():
        new = pairs.get(name, name)
        is_other = new != name and new in table.columns and not column.choice
        # The former name of another column brings no role.
        columns[new] = column._replace(role="feature") if is_other else column
    if not table.complete:
        columns = dict.fromkeys(pairs.values(), ANY) | columns
    return Schema(columns, table.complete)


def convert_types(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `convert_types`."""
    table = table_of(inputs, "data")
    new = dict.fromkeys(settings["columns"], Column(settings["to"]))
    return Schema({**table.columns, **new}, table.complete)


def add_lags(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `add_lags`: numbers, without a value in the first rows."""
    table = table_of(inputs, "data")
    goal = target_of_schema(table, None)
    names = settings["columns"] or [name for name in table.columns if name == goal]
    lags = [lag for lag in settings["lags"] if lag >= settings["ahead"]]
    ends = [*(f"lag_{lag}" for lag in lags), *(f"mean_{size}" for size in settings["windows"])]
    new = {f"{name}_{end}": NUMBER for name in names for end in ends}
    return Schema({**table.columns, **new}, table.complete and bool(names))


def join_tables(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `join_tables`: a key once, then those of the left and of the right table."""
    left, right = table_of(inputs, "left"), table_of(inputs, "right")
    if not (left.complete and right.complete):
        return Schema({n: ANY._replace(**c.choice) for n, c in left.columns.items()}, False)
    suffix, how = settings["suffix"], settings["how"]
    keys = settings["columns"] or [name for name in left.columns if name in right.columns]
    other = settings["right_columns"] or keys
    names = dict(zip(other, keys, strict=False))
    columns = dict(left.columns)
    if how in ("right", "outer"):
        columns = dict(_retype(left, _with_missing).columns)
    for name in keys:
        partner = right.columns.get(next((o for o, k in names.items() if k == name), name), ANY)
        own = left.columns.get(name, ANY)
        choice = own.choice or partner.choice
        columns[name] = (own if own.type == partner.type else ANY)._replace(**choice)
    for name, column in right.columns.items():
        if name in names:
            continue
        if name in left.columns and column.choice and not left.columns[name].choice:
            # The role is that of the other column of this name.
            columns[name] = columns[name]._replace(role="feature")
        new = f"{name}{suffix}" if name in left.columns else name
        columns[new] = column if how in ("inner", "right") else _with_missing(column)
    return Schema(columns)


def concatenate_tables(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `concatenate_tables`."""
    tables = [table for table in inputs.get("tables", ()) if isinstance(table, Schema)]
    is_complete = bool(tables) and all(table.complete for table in tables)
    names = dict.fromkeys(name for table in tables for name in table.columns)
    common = [name for name in names if all(name in table.columns for table in tables)]
    columns = {}
    for name in common if settings["columns"] == "common" else names:
        parts = [table.columns.get(name) for table in tables]
        kinds = {part.type if part else None for part in parts}
        same = len(kinds) == 1 and is_complete
        columns[name] = Column(kinds.pop()) if same else ANY
    return Schema(columns, is_complete)


def group_rows(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `group_rows`: the groups, and a column for each statistic of each column."""
    table = table_of(inputs, "data")
    by = settings["by"]
    numbers, unsure = numeric_columns(table)
    names = settings["columns"] or [
        name for name in table.columns if name in numbers and name not in by
    ]
    columns = {name: table.columns.get(name, ANY) for name in by}
    for name in names:
        kind = table.columns.get(name, ANY).type
        for statistic in settings["statistics"]:
            if statistic in ("count", "distinct"):
                columns[f"{name}_{statistic}"] = INTEGER
            elif kind not in ("integer", "number"):
                columns[f"{name}_{statistic}"] = ANY
            else:
                is_mean = statistic in ("mean", "median", "std")
                columns[f"{name}_{statistic}"] = NUMBER if is_mean else Column(kind)
    is_chosen = bool(settings["columns"])
    return Schema(columns, is_chosen or (table.complete and not set(unsure) - set(by)))


def pivot_table(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `pivot_table`: the others are values of the table."""
    table = table_of(inputs, "data")
    return Schema({name: table.columns.get(name, ANY) for name in settings["rows"]}, complete=False)


def unpivot_table(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `unpivot_table`: those that stay, the names and the values."""
    table = table_of(inputs, "data")
    kept, chosen = settings["keep"], settings["columns"]
    names = chosen or [name for name in table.columns if name not in kept]
    kinds = {table.columns.get(name, ANY).type for name in names}
    is_sure = len(kinds) == 1 and (bool(chosen) or table.complete)
    return Schema(
        {name: table.columns.get(name, ANY) for name in kept}
        | {
            settings["names"]: Column("text"),
            settings["values"]: Column(kinds.pop()) if is_sure else ANY,
        }
    )


def scale_columns(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `scale_columns`."""
    table = table_of(inputs, "data")
    numbers, unsure = numeric_columns(table)
    chosen, ignored = settings["columns"], {*settings["ignore"], *protected(table)}
    new = dict.fromkeys(chosen or [name for name in numbers if name not in ignored], NUMBER)
    if not chosen:
        integers = [n for n in numbers if leaves_identifiers(settings) and n not in ignored]
        unsure += [name for name in integers if table.columns[name].type == "integer"]
        new |= dict.fromkeys([name for name in unsure if name not in ignored], ANY)
    return Schema({n: new.get(n, column) for n, column in table.columns.items()}, table.complete)


def select_features(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `select_features`: all but the features, which depend on the values."""
    table = table_of(inputs, "data")
    goal = target_of_schema(table, settings["target"])
    is_known = goal is not None and (settings["target"] or goal in table.columns)
    others = {*protected(table), *([goal] if is_known else ())}
    columns = {
        name: column
        for name, column in table.columns.items()
        if name in others or column.type in ("text", "date")
    }
    return Schema({**dict.fromkeys(others, ANY), **columns}, complete=False)


def reduce_dimensions(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `reduce_dimensions`: there may be fewer components than asked for."""
    table = table_of(inputs, "data")
    numbers, unsure = numeric_columns(table)
    chosen, ignored = settings["columns"], {*settings["ignore"], *protected(table)}
    replaced = chosen or [name for name in (*numbers, *unsure) if name not in ignored]
    rest = {name: column for name, column in table.columns.items() if name not in replaced}
    is_sure = table.complete and (bool(chosen) or not set(unsure) - ignored)
    is_sure = is_sure and not leaves_identifiers(settings)
    return Schema(rest | {"pca0": NUMBER}, is_sure and settings["components"] == 1)


def transform_table(_: Settings, inputs: Inputs) -> Schema:
    """Columns of `transform_table`: those of the fitted table, if the other has the same.

    Else those that the transformer leaves as they are.
    """
    table = table_of(inputs, "data")
    transformer = next(iter(inputs.get("transformer", ())), None)
    if not isinstance(transformer, Fitted):
        return possible_columns(inputs)
    before, after = transformer.before.columns, transformer.after.columns
    is_same = table.complete and transformer.before.complete and set(before) == set(table.columns)
    if not is_same:
        same = {n for n, c in after.items() if n in before and before[n] == c}
        return Schema({n: c for n, c in table.columns.items() if n in same}, complete=False)
    return Schema(
        {n: table.columns[n] if before.get(n) == c else c for n, c in after.items()},
        transformer.after.complete and list(before) == list(table.columns),
    )


def predict(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `predict`; those of probabilities are named after the classes."""
    table = table_of(inputs, "data")
    columns = {**table.columns, settings["column"]: ANY}
    return Schema(columns, table.complete and not settings["probabilities"])


def prepare(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `data_preprocessing`: the features, and the target as the last column.

    Before it are the columns with other roles.
    """
    table = table_of(inputs, "input_path")
    by_role = next((n for n, column in table.columns.items() if column.role == "target"), None)
    target: str = settings["target"] or by_role or "target"
    others = {name: table.columns[name] for name in table.columns if name in protected(table)}
    if target not in table.columns or "image" in table.columns or not table.complete:
        return Schema(others | ({target: ANY} if settings["target"] else {}), complete=False)
    others.pop(target, None)
    features = {n: column for n, column in table.columns.items() if n not in {target, *others}}
    numbers, _ = numeric_columns(Schema(features))
    is_changed = settings["scale"] != "none" or not settings["drop_missing"]
    names = numbers if settings["encode"] != "none" else list(features)
    columns = {n: ANY if is_changed else c for n, c in features.items() if n in names}
    is_complete = len(names) == len(features)
    return Schema(columns | others | {target: table.columns[target]}, is_complete)


def image_pixels(_: Settings, inputs: Inputs) -> Schema:
    """Columns of `image_pixels`: one for each pixel in place of the image."""
    table = table_of(inputs, "data")
    return Schema({n: c for n, c in table.columns.items() if n != "image"}, complete=False)


def load_texts(*_: Any) -> Schema:
    """Columns of `load_texts`; whether there are classes depends on the folder."""
    return Schema({"text": Column("text")}, complete=False)


def vectorize_text(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `vectorize_text`: the words become columns."""
    table = table_of(inputs, "data")
    rest = {name: column for name, column in table.columns.items() if name != settings["column"]}
    return Schema(rest, complete=False)


def _retype(table: Schema, change: Callable[[Column], Column]) -> Schema:
    return Schema({name: change(one) for name, one in table.columns.items()}, table.complete)


def _with_missing(column: Column) -> Column:
    """Return a column to which a join may add missing values."""
    return column if column.type in ("number", "text", "date") else ANY
