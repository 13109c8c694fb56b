"""``keras.wrappers.scikit_learn`` as it was, in each generation."""

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from checker.guest.compat import wrappers
from checker.guest.compat.wrappers import KerasClassifier, KerasRegressor
from checker.guest.plain.hooks import Hooks

pytestmark = pytest.mark.tensorflow

X = np.random.default_rng(1).normal(size=(60, 4))
PLACES = np.array(["INLAND", "ISLAND", "NEAR BAY"] * 20)


@pytest.fixture(params=["3", "2"])
def keras(request: pytest.FixtureRequest, tf: Any) -> Any:
    if request.param == "3":
        return tf.keras
    import tf_keras

    return tf_keras


@pytest.fixture
def classes(keras: Any) -> Any:
    """A function that makes a network for three classes, with a setting of its own."""

    def build(units: int = 4, loss: str = "sparse_categorical_crossentropy") -> Any:
        model = keras.Sequential([keras.layers.Dense(units, "relu"), keras.layers.Dense(3, "softmax")])
        model.compile("adam", loss, metrics=["accuracy"])
        return model

    return build


def test_parameters_go_to_whoever_takes_them(classes: Any) -> None:
    """``units`` is the network's, ``epochs`` and ``batch_size`` are ``fit``'s; ``fit`` returns the history."""
    estimator = KerasClassifier(build_fn=classes, units=7, epochs=3, batch_size=20, verbose=0)
    history = estimator.fit(X, PLACES)
    assert (estimator.model.layers[0].units, len(history.epoch)) == (7, 3)
    assert set(estimator.predict(X)) <= set(PLACES)
    assert estimator.predict_proba(X).shape == (60, 3)
    assert estimator.score(X, PLACES) == pytest.approx(np.mean(estimator.predict(X) == PLACES))
    assert len(estimator.fit(X, PLACES, epochs=2).epoch) == 2


def test_a_search_finds_its_way(classes: Any) -> None:
    """A grid over the network's own settings and ``fit``'s ends in an estimator with the network in it."""
    grid = {"units": [2, 3], "epochs": [1]}
    search = GridSearchCV(KerasClassifier(classes, verbose=0), grid, cv=2).fit(X, PLACES)
    assert search.best_estimator_.model.layers[0].units == search.best_params_["units"]


def test_one_column_for_each_class_is_made_where_the_loss_asks_for_it(classes: Any) -> None:
    """Class numbers train a network whose loss wants one-hot rows."""
    estimator = KerasClassifier(classes, loss="categorical_crossentropy", verbose=0)
    estimator.fit(X, PLACES)
    assert 0 <= estimator.score(X, PLACES) <= 1


def test_a_regressor_scores_minus_its_loss(keras: Any) -> None:
    """Alone, in a pipeline and in folds, a regressor's score is the loss, negative."""

    def build() -> Any:
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    pipeline = make_pipeline(StandardScaler(), KerasRegressor(build_fn=build, nb_epoch=2, verbose=0))
    pipeline.fit(X, X[:, 0])
    errors = (pipeline.predict(X) - X[:, 0]) ** 2
    assert pipeline.score(X, X[:, 0]) == pytest.approx(-errors.mean(), rel=1e-4)
    assert (cross_val_score(KerasRegressor(build, verbose=0), X, X[:, 0], cv=3) < 0).all()


def test_it_is_there_by_import_and_by_attribute(tf: Any, hooks: Hooks) -> None:
    """Students import it by both names of Keras, or reach it without an import; its use is noted."""
    notes: list[str] = []
    wrappers.install(hooks, tf.keras, notes.append)
    from keras.wrappers.scikit_learn import KerasClassifier as One
    from tensorflow.keras.wrappers.scikit_learn import KerasRegressor as Other

    assert (One, Other) == (KerasClassifier, tf.keras.wrappers.scikit_learn.KerasRegressor)
    One.note("used")
    assert notes == ["used"]
