"""The learners of scikit-learn that scores use; this file alone names it, and imports it when it is needed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from schemas.errors import InputError
from stream_app.assessment.tables import Floats, Longs

LINES, TREES = "lines", "trees"
"""Which form of the features a learner takes."""

CLASSES: Mapping[str, str] = {"logistic": LINES, "gradient boosting": TREES, "random forest": TREES}
"""What learns classes, each with the form of features it takes."""

NUMBERS: Mapping[str, str] = {"ridge": LINES, "gradient boosting": TREES, "random forest": TREES}
"""What learns numbers."""


def check_installed() -> None:
    """Refuse to begin without scikit-learn.

    Raises:
        InputError: it is not installed.
    """
    if find_spec("sklearn") is None:
        raise InputError("assess needs scikit-learn, which is not installed: pip install 'synthstream[assess]'")


@dataclass(frozen=True, eq=False)
class Classes:
    """What learned classes from rows.

    Args:
        model: scikit-learn's; None where the rows had one class alone.
        classes: how many there are in all.
        known: those that the rows had.
    """

    model: Any
    classes: int
    known: Longs

    def chances(self, features: Floats) -> Floats:
        """The chance of each class, shape (rows, classes)."""
        found = np.zeros((len(features), self.classes))
        with _alone():
            found[:, self.known] = 1.0 if self.model is None else self.model.predict_proba(features)
        return found


def learn_classes(name: str, features: Floats, labels: Longs, classes: int, categorical: list[bool]) -> Classes:
    """Let a learner of `CLASSES` learn.

    Args:
        name: which.
        features: in the form it takes, shape (rows, features).
        labels: the class of each row, from 0, shape (rows,).
        classes: how many there are in all.
        categorical: which features are categories, for trees.
    """
    known = np.unique(labels)
    model = None if len(known) < 2 else _fitted(_classifier(name, categorical), features, labels)
    return Classes(model, classes, known)


@dataclass(frozen=True, eq=False)
class Numbers:
    """What learned numbers from rows.

    Args:
        model: scikit-learn's.
    """

    model: Any

    def values(self, features: Floats) -> Floats:
        """The numbers expected, shape (rows,)."""
        with _alone():
            return np.asarray(self.model.predict(features), np.float64)


def learn_numbers(name: str, features: Floats, values: Floats, categorical: list[bool]) -> Numbers:
    """Let a learner of `NUMBERS` learn.

    Args: as of `learn_classes`; values are the number of each row, shape (rows,).
    """
    return Numbers(_fitted(_regressor(name, categorical), features, values))


def _fitted(model: Any, features: Floats, labels: Any) -> Any:
    empty = np.isnan(features).all(axis=0)
    if empty.any():  # boosting can not cut a column without a value
        features = np.where(empty, 0.0, features)
    with _alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the last digits of a line have not converged is no news to a user
        return model.fit(features, labels)


def _alone() -> Any:
    """One thread: on so few rows several wait for each other, on a busy machine a hundred times as long."""
    return import_module("threadpoolctl").threadpool_limits(1)


def _classifier(name: str, categorical: list[bool]) -> Any:
    ensemble = import_module("sklearn.ensemble")
    match name:
        case "logistic":
            return _scaled(import_module("sklearn.linear_model").LogisticRegression(C=0.1, max_iter=200))
        case "random forest":
            return ensemble.RandomForestClassifier(60, min_samples_leaf=5, max_samples=0.5, random_state=0)
        case _:
            return ensemble.HistGradientBoostingClassifier(
                max_iter=100, categorical_features=_those(categorical), early_stopping=False, random_state=0
            )


def _regressor(name: str, categorical: list[bool]) -> Any:
    ensemble = import_module("sklearn.ensemble")
    match name:
        case "ridge":
            return _scaled(import_module("sklearn.linear_model").Ridge(10.0))
        case "random forest":
            return ensemble.RandomForestRegressor(
                60, min_samples_leaf=5, max_features=0.5, max_samples=0.5, random_state=0
            )
        case _:
            return ensemble.HistGradientBoostingRegressor(
                max_iter=100, categorical_features=_those(categorical), early_stopping=False, random_state=0
            )


def _scaled(model: Any) -> Any:
    scaler = import_module("sklearn.preprocessing").StandardScaler()
    return import_module("sklearn.pipeline").make_pipeline(scaler, model)


def _those(categorical: list[bool]) -> list[bool] | None:
    return categorical if any(categorical) else None
