"""Templates, `foreach`, `matrix` and `vars`: the stages are DVC's, or both programs refuse."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.exceptions import DvcException
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from mlws.core.errors import WorkflowUnreadableError
from mlws.document.parse import parse
from mlws.document.templates import resolve_stages, resolve_variants
from tests.series import length
from tests.workflows.twins import within

PARAMS = """\
model: {depth: 3, rate: 1e-3, name: "a b", on: true, none: null}
names: [x, y z, true, 1.0]
pairs: [{a: 1, b: [p, q]}, {a: 2, b: [r]}]
nested: {one: {two: {three: [1, [2, 3]]}}}
7: seven
"""
CODE = """\
lr = 1e-4
class Net:
    layers: int = 2
    def __init__(self):
        self.h = 4
"""
FILES = {
    "params.yaml": PARAMS,
    "other.json": '{"size": 5, "model2": {"depth": 9}}',
    "more.toml": 'color = "red"\n[model]\nwidth = 2.5\n',
    "code.py": CODE,
    "sub/params.yaml": "inner: 1\n",
}
SOURCES = (
    "other.json",
    "more.toml",
    "code.py",
    "other.json:size",
    "other.json:size,model2",
    "other.json:none",
    "none.yaml",
    "sub",
    "params.yaml",
    "params.yaml:model",
)
NAMES = (
    *("model.depth", "model.rate", "model.name", "model.on", "model.none", " model . depth "),
    *("names[0]", "names.1", "names[-1]", "pairs[0].a", "nested.one.two.three[1][0]"),
)
LOCAL_NAMES = (
    *("item", "item", "item", "item.a", "item.x", "item[0]", "key", "key", "own", "own.b", "own.a"),
    *("size", "color", "lr", "Net.layers", "Net.h", "model.width", "inner"),
)
FAULTY_NAMES = ("names[9]", "names[x]", "7", "missing", "model.", "", "a[", "model.depth.x")
WHOLES = ("model", "names", "pairs", "nested.one", "nested", "own", "item", "names[0]", "model.on")

names = st.integers(0, 99).flatmap(
    lambda n: st.sampled_from(
        FAULTY_NAMES if n > 97 else LOCAL_NAMES if n > 85 else WHOLES if n > 75 else NAMES
    )
)
templates = names.map("${{{}}}".format)
words = st.sampled_from(["a", "b c", "\\${HOME}", "$", "${", "}", "ü", "--x=", ""])
texts = st.lists(st.one_of(templates, words), min_size=1, max_size=3).map("".join)
scalars = st.one_of(st.sampled_from([-1, 0, 2, True, False, None, 1.5, 1e-7]), texts)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(st.sampled_from(["a", "x", "b"]), scalars, max_size=2),
)
literals = st.recursive(
    st.sampled_from([0, 3, 2.5, True, False, None, "p", "q r", "it's"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["a", "b", "x"]), inner, max_size=2),
    ),
    max_leaves=4,
)
mappings = st.dictionaries(
    st.sampled_from(["own", "own", "more", "model", "item"]), literals, max_size=1
)
variables = st.lists(st.one_of(mappings, mappings, mappings, st.sampled_from(SOURCES)), max_size=2)
options = {
    "deps": st.lists(texts, max_size=2),
    "params": st.lists(
        st.one_of(texts, st.dictionaries(texts, st.lists(texts), max_size=1)), max_size=2
    ),
    "outs": st.lists(st.one_of(texts, st.just({"o": {"cache": False}})), max_size=2),
    "desc": texts,
    "meta": values,
    "wdir": st.sampled_from(["sub", ".", "${own}", "${item}", "../p"]),
    "vars": variables,
}
lines = texts.map("run {}".format)
commands = st.one_of(lines, st.lists(lines, max_size=2))
stages = st.fixed_dictionaries({"cmd": commands}, optional=options)
# DVC crashes on a whole template there.
keys = st.one_of(texts.map("k{}".format), st.booleans())
keyed_values = st.dictionaries(keys, values, max_size=3)
named_values = st.sampled_from(["${names}", "${pairs}", "${model}", "${nested.one}"])
loops = st.fixed_dictionaries(
    {
        "foreach": st.one_of(st.lists(values, max_size=3), keyed_values, texts, named_values),
        "do": stages,
    }
)
choices = st.one_of(st.lists(values, max_size=3), st.sampled_from(["${names}", "${pairs}"]))
matrices = st.fixed_dictionaries(
    {"cmd": lines, "matrix": st.dictionaries(st.sampled_from("xya"), choices, max_size=2)},
    optional=options,
)
definitions = st.one_of(stages, loops, matrices)
files = st.fixed_dictionaries(
    {"stages": st.dictionaries(st.sampled_from("st"), definitions, min_size=1)},
    optional={"vars": variables},
)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from dvc.repo import Repo

    root = tmp_path_factory.mktemp("templates")
    for path, text in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    with within(root), Repo.init(no_scm=True) as repo:
        yield repo


def resolve_with_dvc(repo: Any, data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the stages, and the item of each variant; ValueError if DVC fails."""
    from dvc.parsing import DataResolver

    def unwrap(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: unwrap(part) for key, part in value.items()}
        if not isinstance(value, str) and hasattr(value, "__iter__"):
            return [unwrap(part) for part in value]
        return value.value if hasattr(value, "value") else value

    try:
        resolver = DataResolver(repo, repo.root_dir, data)
        return resolver.resolve()["stages"] or {}, {
            name: {
                f"{name}@{key}": unwrap(value)
                for key, value in definition.normalized_iterable.items()
            }
            for name, definition in resolver.definitions.items()
            if hasattr(definition, "normalized_iterable")
        }
    except (DvcException, AssertionError, AttributeError, TypeError) as error:
        # The latter are failures that DVC does not expect, such as a list in place of a key.
        raise ValueError from error


@settings(
    max_examples=length(300, 20_000, "MLWS_TEMPLATES"),
    deadline=None,
    derandomize="MLWS_TEMPLATES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(data=files)
def test_the_stages_are_those_of_dvc(repo: Any, data: dict[str, Any]) -> None:
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    note(text)
    document = parse("dvc.yaml", text)
    root = Path(repo.root_dir)
    try:
        theirs = resolve_with_dvc(repo, yaml.safe_load(text))
    except ValueError:
        with pytest.raises(WorkflowUnreadableError):
            resolve_stages(root, document)
        return
    assert json.dumps(resolve_stages(root, document)) == json.dumps(theirs[0])
    variants = resolve_variants(root, document)
    assert theirs[1] == {
        name: {key: one["item"] for key, one in group.items()} for name, group in variants.items()
    }
