"""XGBoost's classifier for classes of any type; needs the extra ``xgboost``."""

from __future__ import annotations

from typing import Any

from sklearn.preprocessing import LabelEncoder
from xgboost import XGBClassifier


class LabeledXGBClassifier(XGBClassifier):
    """An XGBoost classifier whose classes may be texts, as those of scikit-learn may."""

    def fit(self, features: Any, truth: Any, **options: Any) -> LabeledXGBClassifier:
        """Fit the classifier on the numbers of the classes."""
        encoder = LabelEncoder().fit(truth)
        # XGBoost compares its classes with the numbers while it is fitted.
        self.__dict__.pop("labels_", None)
        super().fit(features, encoder.transform(truth), **options)
        self.labels_ = encoder.classes_
        return self

    def predict(self, features: Any, **options: Any) -> Any:
        """Return the class of each row."""
        return self.labels_[super().predict(features, **options)]

    @property
    def classes_(self) -> Any:
        """The classes, in the order of the probabilities."""
        return self.labels_ if hasattr(self, "labels_") else super().classes_
