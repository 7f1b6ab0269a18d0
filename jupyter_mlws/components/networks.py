"""Neural networks with the interface of scikit-learn's estimators.

Trained weights are NumPy arrays, so that a network is stored as any other model (skops, no pickle)
and PyTorch is needed only to train and to predict. Only functions import it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.estimators import check_features
from jupyter_mlws.components.images import IMAGE, has_images, square, stack_images
from jupyter_mlws.components.optional_dependencies import TORCH

PREDICTION_BATCH_SIZE = 256
"""Rows that are predicted at once."""
MAX_PROGRESS_LINES = 20
"""Progress lines of a training."""
MIN_PARALLEL_VALUES = 100_000
"""Values of a batch below which threads would wait for each other longer than they work: on two
busy cores a network on images of 8 × 8 took five times as long with two threads as with one."""
MAX_POOLED_SIZE = 4
"""Height and width of the result of the convolutions, so that large images need no huge layer."""


class _Network(BaseEstimator):  # type: ignore[misc]
    """Common base of the classifier and the regressor.

    ``network``: "cnn" takes images (the column "image", or a square number of columns of
    pixels), "mlp" takes columns of numbers or the pixels of images.
    """

    def __init__(
        self,
        network: str = "mlp",
        epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 0.001,
        channels: Sequence[int] = (16, 32),
        hidden_layers: Sequence[int] = (100,),
        dropout: float = 0.0,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.channels = channels
        self.hidden_layers = hidden_layers
        self.dropout = dropout
        self.device = device
        self.seed = seed

    def predict(self, data: Table) -> Any:
        """Return the class or number of each row."""
        return self._to_predictions(self._outputs(data))

    def _train(self, data: Table, targets: Any, outputs: int, loss: str) -> None:
        import torch

        names = [IMAGE] if has_images(data) else [str(name) for name in data.columns]
        self.feature_names_in_ = np.array(names, dtype=object)
        values = self._values(data)
        self.shape_ = [int(n) for n in values.shape[1:]]
        self.outputs_ = outputs
        axes = (0, 2, 3) if self.network == "cnn" else (0,)
        self.mean_ = values.mean(axis=axes, keepdims=True, dtype="float64").astype("float32")
        spread = values.std(axis=axes, keepdims=True, dtype="float64").astype("float32")
        self.spread_ = np.where(spread > 0, spread, np.float32(1))
        torch.manual_seed(self.seed)
        device = self._device()
        module = self._module().to(device)
        with _limit_threads(self.batch_size * math.prod(self.shape_)):
            self.losses_ = list(self._epochs(module, values, targets, loss, device))
        self.weights_ = {k: v.detach().cpu().numpy() for k, v in module.state_dict().items()}
        self.parameters_ = int(sum(weight.size for weight in self.weights_.values()))

    def _epochs(
        self, module: Any, values: Any, targets: Any, loss: str, device: str
    ) -> Iterator[float]:
        """Train, and yield the mean loss of each epoch."""
        import torch

        optimizer = torch.optim.Adam(module.parameters(), lr=self.learning_rate)
        measure = getattr(torch.nn.functional, loss)
        module.train()
        for epoch in range(1, self.epochs + 1):
            total = 0.0
            for places in torch.randperm(len(values)).split(self.batch_size):
                optimizer.zero_grad()
                batch = self._standardize(values[places.numpy()]).to(device)
                batch_loss = measure(
                    module(batch), torch.as_tensor(targets[places.numpy()]).to(device)
                )
                batch_loss.backward()
                optimizer.step()
                total += float(batch_loss.detach()) * len(places)
            yield total / len(values)
            if epoch % math.ceil(self.epochs / MAX_PROGRESS_LINES) == 0 or epoch == self.epochs:
                line = f"epoch {epoch}/{self.epochs} loss {total / len(values):.4g}"
                print(line, flush=True)  # noqa: T201

    def _outputs(self, data: Table) -> Any:
        """Return the output of the last layer for each row."""
        import torch

        module = self._module()
        module.load_state_dict({k: torch.as_tensor(v) for k, v in self.weights_.items()})
        device = self._device()
        module.to(device).eval()
        values = self._values(data)
        if list(values.shape[1:]) != self.shape_:
            raise ValueError(
                f"the model was trained on values of shape {self.shape_}, but these have "
                f"{list(values.shape[1:])}"
            )
        with torch.no_grad(), _limit_threads(self.batch_size * math.prod(self.shape_)):
            parts = [
                module(self._standardize(values[n : n + PREDICTION_BATCH_SIZE]).to(device)).cpu()
                for n in range(0, len(values), PREDICTION_BATCH_SIZE)
            ]
        return torch.cat(parts).numpy()

    def _standardize(self, values: Any) -> Any:
        import torch

        return torch.as_tensor((values.astype("float32") - self.mean_) / self.spread_)

    def _values(self, data: Table) -> Any:
        """Return rows of numbers, or images with their channels first."""
        if self.network == "mlp":
            return _rows(data)
        if has_images(data):
            return stack_images(data).transpose(0, 3, 1, 2)
        rows = _rows(data)
        return rows.reshape(len(rows), 1, *square(rows.shape[1], "a cnn looks at images"))

    def _device(self) -> str:
        import torch

        if self.device != "auto":
            return self.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    def _module(self) -> Any:
        from torch import nn

        layers: list[Any] = []
        if self.network == "cnn":
            before, smallest_side = self.shape_[0], min(self.shape_[1:])
            for count in self.channels:
                layers += [nn.Conv2d(before, count, kernel_size=3, padding=1), nn.ReLU()]
                if smallest_side >= 2:
                    layers.append(nn.MaxPool2d(2))
                before, smallest_side = count, smallest_side // 2
            side = [min(MAX_POOLED_SIZE, max(1, n >> len(self.channels))) for n in self.shape_[1:]]
            layers += [nn.AdaptiveAvgPool2d(side), nn.Flatten()]
            width = self.channels[-1] * side[0] * side[1]
        else:
            width = self.shape_[0]
        for size in self.hidden_layers:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(self.dropout)]
            width = size
        return nn.Sequential(*layers, nn.Linear(width, self.outputs_))

    def _to_predictions(self, outputs: Any) -> Any:
        raise NotImplementedError


class NetworkClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """Neural network for classification."""

    def fit(self, data: Table, target: Any) -> NetworkClassifier:
        """Train on a table and the class of each row."""
        self.classes_, numbers = np.unique(np.asarray(target), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"only one class, {self.classes_[0]!r}; at least two are needed")
        self._train(data, numbers.astype("int64"), len(self.classes_), "cross_entropy")
        return self

    def predict_proba(self, data: Table) -> Any:
        """Return the probability of each class, by row."""
        outputs = self._outputs(data).astype("float64")
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def _to_predictions(self, outputs: Any) -> Any:
        return self.classes_[outputs.argmax(axis=1)]


class NetworkRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    """Neural network for regression."""

    def fit(self, data: Table, target: Any) -> NetworkRegressor:
        """Train on a table and the number of each row."""
        numbers = np.asarray(target, dtype="float64")
        self.middle_, self.width_ = float(numbers.mean()), float(numbers.std()) or 1.0
        z_scores = ((numbers - self.middle_) / self.width_).astype("float32")
        self._train(data, z_scores[:, None], 1, "mse_loss")
        return self

    def _to_predictions(self, outputs: Any) -> Any:
        return outputs[:, 0].astype("float64") * self.width_ + self.middle_


def network(kind: str, task: str, settings: Mapping[str, Any]) -> Any:
    """Create a network for a task; ``settings`` with the value None keep their defaults."""
    TORCH.demand()
    estimator_class: Callable[..., Any] = (
        NetworkClassifier if task == "classification" else NetworkRegressor
    )
    parameter_names = set(estimator_class().get_params())
    return estimator_class(
        network=kind,
        **{k: v for k, v in settings.items() if k in parameter_names and v is not None},
    )


def network_metrics(model: Any) -> dict[str, Any]:
    """Return the epochs, parameter count and last loss of a network; empty for other models."""
    if not isinstance(model, _Network):
        return {}
    return {"epochs": model.epochs, "parameters": model.parameters_, "loss": model.losses_[-1]}


@contextmanager
def _limit_threads(values: int) -> Iterator[None]:
    """Use one thread for small work and PyTorch's own number for other work.

    The number of threads is restored afterwards.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if values < MIN_PARALLEL_VALUES else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _rows(data: Table) -> Any:
    """Return one row of numbers for each row of the table."""
    if has_images(data):
        images = stack_images(data)
        return images.reshape(len(images), -1).astype("float32")
    return check_features(data).to_numpy(dtype="float32")
