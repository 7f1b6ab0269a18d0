"""Train neural networks with PyTorch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jupyter_mlws.components import Table, component
from jupyter_mlws.components.estimators import Task, task_of
from jupyter_mlws.components.extras import TORCH
from jupyter_mlws.components.library.training import Trained, divided, measured
from jupyter_mlws.components.tables import target_of

Count = Annotated[int, Field(ge=1)]
Kind = Annotated[
    Literal["cnn", "mlp"],
    Field(json_schema_extra={"x-needs": {"cnn": TORCH.schema(), "mlp": TORCH.schema()}}),
]


@component(category="Train", title="Train network")
def train_network(
    data: Table,
    test: Table | None = None,
    *,
    network: Kind,
    epochs: Count = 20,
    target: str | None = None,
    task: Task = "auto",
    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    batch_size: Count = 32,
    learning_rate: Annotated[float, Field(gt=0)] = 0.001,
    channels: Annotated[list[Count], Field(min_length=1)] = [16, 32],  # noqa: B006  never changed
    hidden_layers: list[Count] = [100],  # noqa: B006  never changed
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    seed: Annotated[int, Field(ge=0)] = 0,
) -> Trained:
    """Train a neural network with PyTorch, and measure it on rows that it has not seen.

    data: The table to train on: images (cnn), or columns of numbers (mlp).
    test: The table to test on; if not connected, a part of the data is set aside.
    model: The trained model.
    metrics: How well it predicts the rows of the test.
    network: Convolutions for images (cnn), or layers of neurons for any numbers (mlp).
    epochs: How often all rows are gone through.
    target: The column to predict; if empty, "target" or the last column.
    task: Tell classes apart or predict a number; auto goes by the target's values.
    test_size: The share of rows that is set aside to test.
    batch_size: How many rows are looked at before each step.
    learning_rate: How much each step changes.
    channels: How many patterns each layer of convolutions looks for (cnn).
    hidden_layers: How many neurons each layer has.
    dropout: The share of neurons that are left out at random while training.
    device: Where to train; auto takes a GPU if there is one.
    seed: The same number makes the same model on the same machine.
    """
    from jupyter_mlws.components import networks

    goal = target_of(data, target)
    kind = task_of(data[goal], goal, network, task)
    given = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "channels": channels,
        "hidden_layers": hidden_layers,
        "dropout": dropout,
        "device": device,
        "seed": seed,
    }
    made = networks.network(network, kind, given)
    train, held_back = (
        (data, test) if test is not None else divided(data, goal, kind, seed, test_size)
    )
    model = made.fit(train.drop(columns=[goal]), train[goal].to_numpy())
    measures = measured(model, held_back, goal, kind)
    said = {"model_type": network, "task": kind, "target": goal}
    rows = {"rows_train": len(train), "rows_test": len(held_back)}
    return Trained(model, {**said, **measures, **rows, **networks.facts(model)})
