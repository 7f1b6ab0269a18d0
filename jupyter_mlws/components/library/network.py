"""Train neural networks with PyTorch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jupyter_mlws.components import Table, component
from jupyter_mlws.components.estimators import Task, task_of
from jupyter_mlws.components.library.training import TrainingResult, evaluate, split_rows
from jupyter_mlws.components.optional_dependencies import TORCH
from jupyter_mlws.components.parameters import AppliesTo, Count, Labels, Seed, TargetColumn
from jupyter_mlws.components.preparation import rows_with_target
from jupyter_mlws.components.tables import target_of

Kind = Annotated[
    Literal["cnn", "mlp"],
    Field(json_schema_extra={"x-needs": {"cnn": TORCH.schema(), "mlp": TORCH.schema()}}),
]


@component(category="Train", title="Train Neural Network")
def train_network(
    data: Table,
    test: Table | None = None,
    *,
    network: Annotated[
        Kind,
        Field(title="Network type"),
        Labels(cnn="Convolutional neural network (CNN)", mlp="Multilayer perceptron (MLP)"),
    ],
    epochs: Count = 20,
    target: TargetColumn | None = None,
    task: Task = "auto",
    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    batch_size: Count = 32,
    learning_rate: Annotated[float, Field(gt=0)] = 0.001,
    channels: Annotated[list[Count], Field(min_length=1), AppliesTo(network=("cnn",))] = [16, 32],  # noqa: B006  never changed
    hidden_layers: Annotated[list[Count], Field(title="Hidden layer sizes")] = [100],  # noqa: B006  never changed
    dropout: Annotated[float, Field(ge=0, lt=1, title="Dropout rate")] = 0.0,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Labels(cpu="CPU", cuda="GPU (CUDA)")
    ] = "auto",
    seed: Seed = 0,
) -> TrainingResult:
    """Train a neural network with PyTorch and evaluate it on held-out rows.

    data: Training data: images (CNN) or numeric columns (MLP).
    test: Test data. If not connected, part of the training data is held out.
    model: Trained model.
    metrics: Metrics on the test data.
    network: CNN for images, or MLP for tabular data.
    epochs: Number of passes over the training data.
    target: Column to predict. Leave empty to use “target” or, if there is none, the last column.
    task: Classification or regression. Auto decides by the values of the target column.
    test_size: Fraction of rows held out for testing.
    batch_size: Number of rows per training step.
    learning_rate: Step size of the Adam optimizer.
    channels: Number of filters in each convolutional layer (CNN).
    hidden_layers: Number of neurons in each hidden layer.
    dropout: Fraction of neurons dropped at random during training.
    device: Device to train on. Auto uses a GPU if one is available.
    seed: Seed for reproducible training (on the same machine).
    """
    from jupyter_mlws.components import networks

    goal = target_of(data, target)
    data = data[data[goal].notna()]
    kind = task_of(data[goal], goal, network, task)
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "channels": channels,
        "hidden_layers": hidden_layers,
        "dropout": dropout,
        "device": device,
        "seed": seed,
    }
    untrained_model = networks.network(network, kind, settings)
    train, held_back = (
        (data, test) if test is not None else split_rows(data, goal, kind, seed, test_size)
    )
    rows = rows_with_target(train, goal)
    model = untrained_model.fit(rows.features, rows.target.to_numpy())
    measures = evaluate(model, held_back, goal, kind)
    summary = {"model_type": network, "task": kind, "target": goal}
    counts = {"rows_train": len(train), "rows_test": len(held_back)}
    return TrainingResult(
        model, {**summary, **measures, **counts, **networks.network_metrics(model)}
    )
