"""No row of the test part is seen by anything that is fitted on the training part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlws.components.library.clean import impute_missing
from jupyter_mlws.components.node import main
from jupyter_mlws.components.registry import library

ROWS = 160
TEST_ROWS = 40
WORKFLOW = """
split --data all.csv --train train.parquet --test test.parquet --no-shuffle
prepare_columns --data train.parquet --table p.parquet --steps steps.skops
train_classifier --data train.parquet --steps steps.skops --model prepared.skops --n_estimators 10
vectorize_text --data train.parquet --table v.parquet --vectorizer vectorizer.skops
transform_table --transformer vectorizer.skops --data test.parquet --table v_test.parquet
impute_missing --data v.parquet --table i.parquet --imputer imputer.skops
transform_table --transformer imputer.skops --data v_test.parquet --table i_test.parquet
encode_categories --data i.parquet --table e.parquet --encoder encoder.skops
transform_table --transformer encoder.skops --data i_test.parquet --table e_test.parquet
scale_columns --data e.parquet --table s.parquet --scaler scaler.skops
transform_table --transformer scaler.skops --data e_test.parquet --table s_test.parquet
select_features --data s.parquet --table f.parquet --selector selector.skops --count 6
transform_table --transformer selector.skops --data s_test.parquet --table f_test.parquet
reduce_dimensions --data f.parquet --table r.parquet --reducer reducer.skops --components 3
transform_table --transformer reducer.skops --data f_test.parquet --table r_test.parquet
train_classifier --data r.parquet --model classifier.skops --n_estimators 10
train_regressor --data r.parquet --model regressor.skops --algorithm ridge
train_clusters --data r.parquet --model clusters.skops --clusters 2
tune_model --data r.parquet --model tuned.skops --model_type k_neighbors --folds 2
model_training --data r.parquet --test r_test.parquet --model trained.skops --metrics trained.json
train_network --data r.parquet --test r_test.parquet --model network.skops --epochs 1
predict --model classifier.skops --data r_test.parquet --table predictions.parquet
"""


def people(seed: int) -> pd.DataFrame:
    """A table with categories, texts and missing values, whose test part depends on the seed."""
    parts = []
    for part, count in ((0, ROWS - TEST_ROWS), (seed, TEST_ROWS)):
        source = np.random.default_rng(part)
        age = source.integers(18, 90, count).astype(float) * (1 + 10 * part)
        parts.append(
            pd.DataFrame(
                {
                    "age": np.where(source.random(count) < 0.2, np.nan, age),
                    "income": source.normal(100 * part, 1, count),
                    "city": source.choice(["Bonn", "Ulm"] if part == 0 else ["Kiel"], count),
                    "text": source.choice(["red wine", "white bread"], count) + f" {part}",
                    "target": source.integers(0, 2, count),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def commands() -> list[list[str]]:
    has_torch = True
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        has_torch = False
    lines = [line.split() for line in WORKFLOW.strip().splitlines()]
    return [words for words in lines if has_torch or words[0] != "train_network"]


@pytest.mark.exhaustive
def test_other_test_rows_change_no_fitted_artifact(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[dict[str, bytes]] = []
    predictions = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        monkeypatch.chdir(folder)
        people(seed).to_csv("all.csv", index=False)
        for words in commands:
            assert main(words) == 0, words
        models.append({file.name: file.read_bytes() for file in folder.glob("*.skops")})
        predictions.append(pd.read_parquet("predictions.parquet"))
    first, second = models
    assert len(first) == sum(
        any(one.endswith(".skops") for one in words)
        for words in commands
        if words[0] not in ("transform_table", "predict")
    )
    assert [name for name in first if first[name] != second[name]] == []
    # The test rows of the two workflows do differ.
    assert not predictions[0].equals(predictions[1])


def test_every_component_that_fits_is_in_the_workflow() -> None:
    fitting = {
        one.name
        for one in library()
        if any(port.type == "Model" for port in one.outputs)
        and any(port.type == "Table" for port in one.inputs)
        # A comparison passes on one of its models.
        and not any(port.type == "Model" for port in one.inputs)
    }
    assert fitting <= {line.split()[0] for line in WORKFLOW.strip().splitlines()}


def test_the_test_would_see_a_leak() -> None:
    first, second = people(1), people(2)
    fitted = [impute_missing(table, columns=["age"]).imputer for table in (first, second)]
    values = [one.named_transformers_["median"].statistics_[0] for one in fitted]
    assert values[0] != values[1]
