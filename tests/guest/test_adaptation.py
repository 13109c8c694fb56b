"""Old settings and methods, in each generation that the tests run in."""

import importlib

import numpy as np
import pandas as pd
import pytest

from checker.guest.compat import adaptation
from checker.guest.plain.hooks import Hooks

pytestmark = pytest.mark.tensorflow

X = np.random.default_rng(1).normal(size=(64, 9)).astype("float32")
Y = np.arange(64) % 5


@pytest.fixture(scope="module")
def notes(tf):
    """What was noted since the last look."""
    found = []
    with Hooks() as hooks:
        adaptation.install(hooks, tf, found.append, legacy=False)
        adaptation.accept_former_epochs(hooks, tf.keras, found.append)
        yield found


@pytest.fixture
def said(notes):
    notes.clear()
    return notes


def test_old_optimizer_settings_mean_what_they_meant(tf, said):
    """``lr``, a whole number and ``epsilon=None`` are understood; ``decay`` divides the rate by 1 + decay * steps."""
    optimizers = tf.keras.optimizers
    assert float(optimizers.SGD(lr=0.5).learning_rate) == 0.5
    assert float(optimizers.SGD(1).learning_rate) == 1.0
    assert float(optimizers.Adam(0.1, epsilon=None).learning_rate) == pytest.approx(0.1)
    decayed = optimizers.Adam(0.1, decay=0.01)
    assert float(decayed._learning_rate(100)) == pytest.approx(0.1 / 2)
    assert float(optimizers.RMSprop(0.2, 0.8).rho) == 0.8
    assert any("lr=" in words for words in said)
    assert any("decay=" in words for words in said)


def test_todays_settings_are_left_alone(tf, said):
    """Current names pass without a note, and an optimizer survives its own configuration."""
    adam = tf.keras.optimizers.Adam(learning_rate=0.01, beta_1=0.8)
    again = tf.keras.optimizers.Adam.from_config(adam.get_config())
    assert (float(again.learning_rate), again.beta_1, said) == (pytest.approx(0.01), 0.8, [])


@pytest.fixture
def model(tf):
    layers = tf.keras.layers
    made = tf.keras.Sequential([layers.Input((9,)), layers.Dense(5, activation="softmax")])
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


def test_dropped_methods_are_there_again(model, said):
    """``predict_classes`` is the argmax, ``fit_generator`` fits."""
    assert (model.predict_classes(X, verbose=0) == model.predict(X, verbose=0).argmax(axis=1)).all()
    model.fit_generator(((X, Y) for _ in range(2)), steps_per_epoch=2, epochs=1, workers=4, verbose=0, shuffle=False)
    assert len(said) == 2


def test_any_file_name_will_do(tf, model, tmp_path, monkeypatch, said):
    """Models and weights are written and read under names that Keras 3 would refuse."""
    monkeypatch.chdir(tmp_path)
    saver = tf.keras.callbacks.ModelCheckpoint("w.{epoch:02d}.hdf5", save_weights_only=True, period=1)
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[saver, tf.keras.callbacks.ModelCheckpoint("whole")])
    model.load_weights("w.01.hdf5")
    model.save("folder_style")
    again = tf.keras.models.load_model("folder_style")
    assert np.array_equal(again.get_weights()[0], model.get_weights()[0])
    assert said


def test_a_drawing_without_graphviz_is_no_error(tf, model, capsys, said):
    """``plot_model`` says that nothing is drawn, under every name of Keras."""
    tf.keras.utils.plot_model(model, show_shapes=True)
    __import__("keras").utils.plot_model(model)
    importlib.import_module("tensorflow.keras.utils").plot_model(model)
    assert capsys.readouterr().out.count("not drawn") == 3


def test_old_words_of_other_libraries(said):
    """NumPy's aliases, pandas' ``append`` and 0/1 dummies, scikit-learn's ``sparse``, matplotlib's style names."""
    import matplotlib.pyplot as plt
    from sklearn.metrics import mean_squared_error
    from sklearn.preprocessing import OneHotEncoder

    assert np.array([1]).astype(np.float).dtype == np.float64
    assert list(pd.get_dummies(["a", "b"])["a"]) == [1, 0]
    assert len(pd.DataFrame({"a": [1]}).append({"a": 2}, ignore_index=True)) == 2
    assert OneHotEncoder(sparse=False).fit_transform([["a"], ["b"]]).shape == (2, 2)
    assert mean_squared_error([0.0, 2.0], [0.0, 0.0], squared=False) == pytest.approx(2**0.5)
    with plt.style.context({}):
        plt.style.use("seaborn-whitegrid")
    assert len(said) == 4


def test_names_of_keras_1_mean_what_they_meant(tf, said):
    """Settings of layers and of ``fit`` are taken by their first names; what they make tells today's."""
    layers, initializers = tf.keras.layers, tf.keras.initializers
    first = layers.Dense(output_dim=8, init="uniform", W_regularizer="l2")
    config = first.get_config()
    assert (config["units"], config["kernel_initializer"]["class_name"]) == (8, "RandomUniform")
    assert config["kernel_regularizer"]["class_name"] == "L2"
    model = tf.keras.Sequential([first, layers.Dropout(p=0.1), layers.Dense(5, activation="softmax")])
    model.compile(tf.keras.optimizers.adam(0.01), "sparse_categorical_crossentropy")
    assert len(model.fit(X, Y, nb_epoch=2, verbose=0).epoch) == 2
    assert float(initializers.normal(stddev=0.1).stddev) == 0.1
    assert tf.keras.optimizers.adam_v2.Adam is tf.keras.optimizers.Adam
    assert any("nb_epoch" in words for words in said)


def test_numbers_are_written_as_before_numpy_2(said):
    """``repr`` of a scalar is the number alone, as in files that a notebook writes and reads back."""
    row = np.array([5.0, 2.5])
    assert (",".join(map(repr, row)), str(list(row))) == ("5.0,2.5", "[5.0, 2.5]")


def test_statistics_leave_out_columns_of_words(said):
    """Only where they fail with them; a table of numbers, or one that says what it wants, is treated as ever."""
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 4.0], "w": ["x", "y"]})
    assert table.drop("w", axis=1).corr().shape == (2, 2)
    assert said == []
    assert list(table.corr()) == list(table.median().index) == ["a", "b"]
    assert table.fillna(table.mean()).shape == (2, 3)
    assert list(table.groupby([0, 0]).mean()) == ["a", "b"]
    with pytest.raises(ValueError, match="could not convert"):
        table.corr(numeric_only=False)
    assert all("columns of words" in words for words in said)


def test_former_ways_into_a_table(said):
    """``drop(labels, 1)`` and ``ix`` by label, by position, and by both."""
    table = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=["x", "y"])
    assert list(table.drop("a", 1)) == ["b"]
    assert (table.ix["x", "b"], table.ix[1, 0], table.ix["y", 1]) == (3, 2, 4)
    assert [name for name, _ in table.iteritems()] == ["a", "b"]
    assert any("`ix`" in words for words in said)


def test_former_parts_of_scikit_learn(said):
    """What has moved or has another name does what it did; what is gone says so."""
    from sklearn import preprocessing

    filled = preprocessing.Imputer(missing_values="NaN", strategy="median").fit_transform([[1.0], [np.nan]])
    assert filled.tolist() == [[1.0], [1.0]]
    assert preprocessing.CategoricalEncoder(encoding="onehot-dense").fit_transform([["a"], ["b"]]).shape == (2, 2)
    split = importlib.import_module("sklearn.cross_validation").train_test_split
    assert len(split([1, 2, 3, 4], random_state=1)) == 2
    assert importlib.import_module("sklearn.externals.joblib").dump
    with pytest.raises(AttributeError, match="no longer in scikit-learn"):
        importlib.import_module("sklearn.grid_search").nosuch
    with pytest.raises(TypeError, match="by rows"):
        preprocessing.Imputer(axis=1)
