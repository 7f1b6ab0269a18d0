"""Forecasts that repeat a value: what other models have to be better than."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin


class NaiveRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predict the value of a column, such as the target of the row before."""

    def __init__(self, column: str = "") -> None:
        self.column = column

    def fit(self, features: Any, truth: Any) -> NaiveRegressor:
        """Learn the mean target, for rows in which the column has no value."""
        if self.column not in features.columns:
            raise KeyError(
                f"the table has no column {self.column!r} to repeat: choose another one, or add "
                "lags of the target before"
            )
        self.mean_ = float(np.mean(truth))
        self.feature_names_in_ = np.array([self.column], dtype=object)
        self.n_features_in_ = 1
        return self

    def predict(self, features: Any) -> Any:
        """Return the value of the column in each row."""
        return features[self.column].astype(float).fillna(self.mean_).to_numpy()
