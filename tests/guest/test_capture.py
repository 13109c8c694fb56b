"""The record of a training that the hooks in the student's kernel make."""

from typing import Any

import numpy as np
import pytest
from notes import Notes, X, Y

from checker.guest.plain.hooks import Hooks
from checker.guest.watch.capture import Capture
from checker.records.network import Development, Labels
from checker.wire.frames import reference

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def notes(tf: Any, hooks: Hooks) -> Notes:
    notes = Notes()
    capture = Capture(tf, notes.registry(tf))
    capture.install(hooks)
    notes.scan = capture.scan  # type: ignore[attr-defined]
    return notes


def make(tf: Any, loss: str = "sparse_categorical_crossentropy", built: bool = True) -> Any:
    layers = tf.keras.layers
    stack = [layers.Input((9,))] if built else []
    model = tf.keras.Sequential([*stack, layers.Dense(6, activation="relu"), layers.Dense(5, activation="softmax")])
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def test_a_fit_is_noted_with_its_recipe_and_data(tf: Any, notes: Notes) -> None:
    """A record of ``fit`` has the optimizer, loss, epochs, batch size, rows, arrays and history."""
    make(tf).fit(X, Y, epochs=2, batch_size=64, verbose=0, validation_data=(X[:64], Y[:64]))
    (fit,) = notes.only.fits
    assert fit.finished
    assert (fit.epochs_asked, fit.epochs_done, fit.steps_done, fit.cell) == (2, 2, 20, 3)
    assert fit.phase is not None
    assert (fit.phase.optimizer.class_name, fit.phase.batch_size) == ("Adam", 64)
    assert fit.phase.labels is Labels.INTEGERS
    assert fit.development is Development.DATA
    assert len(fit.history["val_accuracy"]) == 2
    assert any(np.array_equal(array, X) for array in notes.arrays)


def test_an_unbuilt_model_is_described_after_its_first_fit(tf: Any, notes: Notes) -> None:
    """A Sequential without input shape has an architecture after its first training."""
    make(tf, built=False).fit(X, Y, verbose=0)
    assert notes.only.architecture is not None
    assert (notes.only.input_width, notes.only.output_width) == (9, 5)


def test_training_ends_at_the_cap_and_says_what_was_asked(tf: Any, notes: Notes) -> None:
    """A fit of 1,000 epochs ends with the epoch that reaches the cap on steps; the record has both numbers."""
    model = make(tf)
    model.fit(X, Y, epochs=1_000, batch_size=32, verbose=0)
    (fit,) = notes.only.fits
    assert (fit.epochs_asked, fit.epochs_done, fit.steps_done) == (1_000, 5, 100)
    model.fit(X, Y, epochs=1_000, batch_size=64, verbose=0)
    assert notes.only.fits[-1].epochs_done == 5, "the notebook's own cap of 150 steps ends the second fit"


def test_what_ends_a_training_decides_for_how_long_it_is_repeated(tf: Any, notes: Notes) -> None:
    """A student's own callback that stops after three epochs makes it three epochs; early stopping is repeated as
    such."""
    callbacks = tf.keras.callbacks

    class Enough(callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 2

    make(tf).fit(X, Y, epochs=50, batch_size=640, verbose=0, callbacks=[Enough()])
    (fit,) = notes[1].fits
    assert fit.phase is not None
    assert (fit.epochs_asked, fit.epochs_done, fit.phase.epochs) == (50, 3, 3)
    assert "it was ended after 3 of 50 epochs, which is how long it is trained again" in fit.notes
    stopping = callbacks.EarlyStopping(monitor="loss", patience=1, min_delta=1e9)
    make(tf).fit(X, Y, epochs=50, batch_size=640, verbose=0, callbacks=[stopping])
    (fit,) = notes[2].fits
    assert fit.phase is not None
    assert (fit.epochs_done, fit.phase.epochs, fit.notes) == (2, 50, ())


def test_an_early_stopping_of_the_students_own_is_none_of_kerass(tf: Any, notes: Notes) -> None:
    """A training that a subclass of early stopping ended is repeated for the epochs that it took, counted from the
    first, whatever the subclass's name."""
    own = type("EarlyStopping", (tf.keras.callbacks.EarlyStopping,), {})
    stopping = own(monitor="loss", patience=1, min_delta=1e9)
    make(tf).fit(X, Y, initial_epoch=10, epochs=50, batch_size=640, verbose=0, callbacks=[stopping])
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert (fit.epochs_asked, fit.epochs_done, fit.phase.epochs, fit.phase.early_stopping) == (40, 2, 2, None)
    assert "the callback EarlyStopping is not part of the retraining" in fit.notes


def test_a_fit_that_broke_off_is_a_training_of_the_epochs_before(tf: Any, notes: Notes) -> None:
    """If the student catches an error of a callback, the epochs before it count as the training."""
    callbacks = tf.keras.callbacks

    class Interrupted(callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tf).fit(X, Y, epochs=50, batch_size=640, verbose=0, callbacks=[Interrupted()])
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert (fit.finished, fit.epochs_done, fit.phase.epochs) == (True, 3, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras 3 says that it passes over the callback
def test_what_watches_nothing_is_left_out(tf: Any, notes: Notes) -> None:
    """A callback whose quantity was not measured is left out; of two early stoppings, the one that acted is
    repeated."""
    stopping = tf.keras.callbacks.EarlyStopping
    plateau = tf.keras.callbacks.ReduceLROnPlateau(monitor="val_loss")
    chosen = [stopping(monitor="val_loss"), stopping(monitor="accuracy", patience=99), plateau]
    chosen.append(stopping(monitor="loss", patience=1, min_delta=1e9))
    make(tf).fit(X, Y, epochs=9, batch_size=640, verbose=0, callbacks=chosen)
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert fit.phase.early_stopping is not None
    assert (fit.phase.early_stopping.config["monitor"], fit.phase.plateau) == ("loss", None)
    assert fit.notes == (
        "EarlyStopping watched val_loss, which was not measured, so it did nothing",
        "a further EarlyStopping that watched accuracy is not part of the retraining",
        "ReduceLROnPlateau watched val_loss, which was not measured, so it did nothing",
    )


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras 3 may not know how many steps there will be
def test_steps_are_those_that_were_taken(tf: Any, notes: Notes) -> None:
    """An epoch has as many steps as it took, with arrays and data sets, also if a data set repeats its rows."""
    make(tf).fit(X, Y, epochs=4, steps_per_epoch=1, batch_size=64, verbose=0)
    data = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(640, seed=1)
    make(tf).fit(data.repeat().batch(64), epochs=20, steps_per_epoch=1, verbose=0)
    make(tf).fit(data.repeat(3).batch(64), epochs=1, verbose=0)
    phases = [fit.phase for number in (1, 2, 3) for fit in notes[number].fits if fit.phase is not None]
    taken = [fit.steps_done for number in (1, 2, 3) for fit in notes[number].fits]
    assert taken == [4, 20, 30]
    assert [(phase.epochs, phase.steps) for phase in phases] == [(4, 1), (20, 1), (1, 30)]
    assert notes[2].fits[0].training.rows > 600


def test_a_loss_in_a_list_or_dictionary_of_one_is_that_loss(tf: Any, notes: Notes) -> None:
    """A loss in a list or dictionary of one is that loss; two losses are not repeated."""
    for number, loss in enumerate((["sparse_categorical_crossentropy"], {"out": "sparse_categorical_crossentropy"})):
        inputs = tf.keras.Input((9,))
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(5, "softmax", name="out")(inputs))
        model.compile("sgd", loss)
        model.fit(X, Y, batch_size=640, verbose=0)
        (fit,) = notes[1 + number].fits
        assert fit.phase is not None
        assert fit.phase.loss.class_name == "SparseCategoricalCrossentropy"


def test_weights_that_are_taken_back_take_back_their_training(tf: Any, notes: Notes, tmp_path: Any) -> None:
    """If the initial weights are set again, the training begins anew; a checkpoint's weights are those of its best
    epoch; other saved weights end the training with their epoch."""
    model = make(tf)
    start = model.get_weights()
    kept = []
    for _ in range(2):
        model.set_weights(start)
        model.fit(X, Y, epochs=2, batch_size=320, verbose=0)
    assert [fit.epochs_asked for fit in notes.only.fits] == [2]
    model.set_weights(start)
    best = tf.keras.callbacks.ModelCheckpoint(
        str(tmp_path / "best.weights.h5"), monitor="loss", save_best_only=True, save_weights_only=True
    )
    keep = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    model.fit(X, Y, epochs=4, batch_size=320, verbose=0, callbacks=[best, keep])
    model.load_weights(tmp_path / "best.weights.h5")
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert fit.phase.checkpoint is not None
    assert (fit.phase.epochs, fit.phase.checkpoint.config) == (4, {"monitor": "loss", "mode": "min"})
    model.set_weights(kept[1])
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert (fit.phase.epochs, fit.phase.checkpoint) == (2, None)
    assert "its weights are those after 2 of 4 epochs, which is how long it is trained again" in fit.notes


def test_sample_weights_are_class_weights_where_they_are_so(tf: Any, notes: Notes) -> None:
    """Sample weights by class are repeated, others are named, and a training on few of the rows is not rebuilt."""
    given = [np.where(Y == 2, 3.0, 1.0), np.linspace(0.5, 1.0, 640), np.arange(640) % 4 == 0, np.ones(640)]
    for number, weights in enumerate(given):
        make(tf).fit(X, Y, batch_size=640, verbose=0, sample_weight=weights.astype("float32"), validation_split=0.1)
        (fit,) = notes[number + 1].fits
        given[number] = (fit.phase and dict(fit.phase.class_weight), fit.notes, fit.unrebuildable)
    assert given == [
        ({"0": 1.0, "1": 1.0, "2": 3.0, "3": 1.0, "4": 1.0}, (), ""),
        ({}, ("sample weights are not part of the retraining",), ""),
        (None, (), "most rows had a sample weight of 0, so it was not trained on them"),
        ({}, (), ""),
    ]


def test_a_network_of_other_precision_is_described_without_it(tf: Any, notes: Notes) -> None:
    """The wrapper of a mixed precision policy around the optimizer is removed, and a note says so."""
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        make(tf).fit(X, Y, batch_size=640, verbose=0)
    finally:
        tf.keras.mixed_precision.set_global_policy(before)
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert (fit.phase.optimizer.class_name, fit.steps_done) == ("Adam", 1)
    assert fit.notes == ("it was trained in mixed_float16, and is trained again in float32",)


def test_learning_rates_are_repeated_whatever_set_them(tf: Any, notes: Notes) -> None:
    """Learning rates are recorded by epoch, also if a student's own callback changes them or they are set between two
    fits."""
    callbacks = tf.keras.callbacks

    class Own(callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = 0.01 / (epoch + 1)

    model = make(tf)
    model.fit(X, Y, epochs=3, batch_size=640, verbose=0, callbacks=[Own()])
    model.optimizer.learning_rate = 0.5
    model.fit(X, Y, epochs=2, batch_size=640, verbose=0)
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert (fit.phase.epochs, fit.phase.rates) == (5, pytest.approx((0.001, 0.01, 0.005, 0.5, 0.5)))
    assert "the learning rates of its epochs are repeated as they were" in fit.notes


def test_a_validation_split_is_told_apart_from_the_training_rows(tf: Any, notes: Notes) -> None:
    """The last rows of a ``validation_split`` were watched and not trained on."""
    make(tf).fit(X, Y, validation_split=0.25, verbose=0)
    (fit,) = notes.only.fits
    assert fit.development is Development.SPLIT
    assert fit.training.rows == 480
    assert fit.validation is not None
    assert fit.validation.rows == 160


def test_a_loop_of_single_epochs_is_one_training(tf: Any, notes: Notes) -> None:
    """Five calls of fit(epochs=1) on the same data are five epochs; compiling again begins a new training."""
    model = make(tf)
    for _ in range(5):
        model.fit(X, Y, batch_size=128, verbose=0)
    assert [fit.epochs_asked for fit in notes.only.fits] == [5]
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, batch_size=128, verbose=0)
    assert [fit.phase and fit.phase.optimizer.class_name for fit in notes.only.fits] == ["Adam", "SGD"]


def test_train_on_batch_loops_become_epochs(tf: Any, notes: Notes) -> None:
    """Three passes over 640 rows in batches of 64 are three epochs of 640 rows."""
    model = make(tf)
    for _ in range(3):
        for at in range(0, 640, 64):
            model.train_on_batch(X[at : at + 64], Y[at : at + 64])
    notes.scan({"net": model})  # type: ignore[attr-defined]
    (fit,) = notes.only.fits
    assert (fit.how, fit.epochs_asked, fit.training.rows) == ("train_on_batch", 3, 640)
    assert fit.phase is not None
    assert fit.phase.batch_size == 64
    assert notes.only.variable == "net"


def test_losses_of_batches_become_a_history(tf: Any, notes: Notes) -> None:
    """A loop of train_on_batch has the mean loss of each epoch as its history; at a learning rate of 0 it does not
    fall."""
    for rate in (0.01, 0.0):
        model = make(tf)
        model.optimizer.learning_rate = rate
        for _ in range(4):
            for at in range(0, 640, 64):
                model.train_on_batch(X[at : at + 64], Y[at : at + 64])
        model.optimizer.learning_rate = 0.01
        notes.scan({"net": model})  # type: ignore[attr-defined]
    learned, idle = (record.fits[0].history["loss"] for record in notes.values())
    assert len(learned) == len(idle) == 4
    assert learned[0] is not None and learned[-1] is not None and learned[-1] < 0.98 * learned[0]
    assert idle[-1] == pytest.approx(idle[0], rel=1e-6)


@pytest.mark.parametrize("whose", ["model", "optimizer", "layer"])
def test_a_method_of_keras_that_was_replaced_is_the_students_own(tf: Any, notes: Notes, whose: str) -> None:
    """A training through a method that the student put into a Keras object cannot be rebuilt."""
    model = make(tf)
    owner, name = {
        "model": (model, "train_step"),
        "optimizer": (model.optimizer, "update_step"),
        "layer": (model.layers[0], "call"),
    }[whose]
    original = getattr(owner, name)
    setattr(owner, name, lambda *args, **kwargs: original(*args, **kwargs))
    model.fit(X, Y, verbose=0)
    record = notes.only
    assert f"`{name}`" in record.unrebuildable + record.fits[0].unrebuildable


def test_a_loss_that_falls_while_the_weights_stay_is_none(tf: Any, notes: Notes) -> None:
    """A falling loss does not count if the weights stay the same: here a callback sets the learning rate to 0 within
    epochs and writes the loss itself."""

    class Forging(tf.keras.callbacks.Callback):  # type: ignore[misc, name-defined]  # Keras has no types
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = 0.0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = 0.001
            logs["loss"] = 0.5**epoch

    make(tf).fit(X, Y, epochs=4, batch_size=64, verbose=0, callbacks=[Forging()])
    (fit,) = notes.only.fits
    assert fit.phase is None and "weights stayed" in fit.unrebuildable


def test_a_schedule_with_a_name_of_keras_is_the_students_own(tf: Any, notes: Notes) -> None:
    """A student's class within settings is recognised as theirs, whatever it and its module are called."""
    own = type("ExponentialDecay", (tf.keras.optimizers.schedules.ExponentialDecay,), {})
    own.__module__ = tf.keras.optimizers.schedules.ExponentialDecay.__module__
    model = make(tf)
    model.compile(tf.keras.optimizers.Adam(own(0.1, 10, 0.9)), "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    assert "`ExponentialDecay` is the student's own class" in notes.only.fits[0].unrebuildable


def test_a_method_that_was_replaced_in_a_class_of_keras_is_the_students_own(
    tf: Any, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training through a method that was replaced in a Keras class cannot be rebuilt either."""
    kind = tf.keras.optimizers.Adam
    original = kind.update_step
    monkeypatch.setattr(kind, "update_step", lambda *args: original(*args))
    make(tf).fit(X, Y, verbose=0)
    assert "`update_step` of its `Adam`" in notes.only.fits[0].unrebuildable


def test_evaluations_of_the_students_are_noted_and_those_of_fit_are_not(tf: Any, notes: Notes) -> None:
    """Only evaluations that the student called are recorded, with their rows."""
    model = make(tf)
    model.fit(X, Y, verbose=0, validation_data=(X[:100], Y[:100]))
    model.evaluate(X[:200], Y[:200], verbose=0)
    model.predict(X[:300], verbose=0)
    assert [(use.how, use.fed.rows) for use in notes.only.uses] == [("evaluate", 200), ("predict", 300)]


def test_data_frames_and_one_hot_labels_are_kept(tf: Any, notes: Notes) -> None:
    """pandas tables are recorded as arrays; one-hot labels are recognised by their width."""
    import pandas as pd

    hot = pd.get_dummies(Y).astype("float32")
    make(tf, "categorical_crossentropy").fit(pd.DataFrame(X), hot, verbose=0)
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert fit.phase.labels is Labels.ONE_HOT
    assert fit.training.x is not None
    assert fit.training.x.shape == (640, 9)


def test_a_data_set_is_read_with_its_batches(tf: Any, notes: Notes) -> None:
    """The rows of a shuffled data set are recorded once each, with its batch size."""
    data = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(640, seed=1).batch(64)
    make(tf).fit(data, verbose=0, epochs=2, shuffle=False)
    (fit,) = notes.only.fits
    assert (fit.finished, fit.steps_done, fit.training.rows) == (True, 20, 640)
    assert fit.phase is not None
    assert (fit.phase.batch_size, fit.phase.epochs, fit.phase.labels) == (64, 2, Labels.INTEGERS)
    assert np.array_equal(np.sort(notes.arrays[0], axis=0), np.sort(X, axis=0))


def test_a_generator_is_listened_to(tf: Any, notes: Notes) -> None:
    """The rows that ``fit`` draws from an endless generator are recorded, with the steps of each epoch."""

    def batches() -> Any:
        while True:
            for start in range(0, 640, 80):
                yield X[start : start + 80], Y[start : start + 80]

    make(tf).fit(batches(), steps_per_epoch=4, epochs=4, verbose=0, shuffle=False)
    (fit,) = notes.only.fits
    assert (fit.finished, fit.training.rows) == (True, 640)
    assert fit.phase is not None
    assert (fit.phase.batch_size, fit.phase.epochs, fit.phase.steps, fit.notes) == (80, 4, 4, ())


def test_several_inputs_are_laid_side_by_side(tf: Any, notes: Notes) -> None:
    """Lists and dictionaries of inputs become one table in the order of the model's inputs."""
    layers = tf.keras.layers
    inputs = [layers.Input((4,), name="left"), layers.Input((5,), name="right")]
    model = tf.keras.Model(inputs, layers.Dense(5, "softmax")(layers.concatenate(inputs)))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit([X[:, :4], X[:, 4:]], Y, verbose=0)
    model.evaluate({"right": X[:99, 4:], "left": X[:99, :4]}, Y[:99], verbose=0)
    found = notes.only
    assert (found.input_width, found.uses[0].fed.rows) == (9, 99)
    assert found.architecture is not None
    assert np.array_equal(notes.arrays[0], X)
    assert any(np.array_equal(array, X[:99]) for array in notes.arrays)


def test_a_model_that_is_loaded_again_goes_on_where_it_was(tf: Any, notes: Notes, tmp_path: Any) -> None:
    """If a model is saved, loaded, compiled and trained further, the loaded model's training begins with the saved
    one's."""
    model = make(tf)
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "half.keras")
    again = tf.keras.models.load_model(tmp_path / "half.keras")
    again.fit(X, Y, epochs=3, batch_size=16, verbose=0)
    fits = notes[2].fits
    assert [fit.epochs_asked for fit in fits] == [2, 3]
    assert [fit.phase.recompiled for fit in fits if fit.phase is not None] == [True, False]
    copy = make(tf)
    copy.optimizer.build(copy.trainable_variables)
    model.save_weights(tmp_path / "w.weights.h5")
    copy.load_weights(tmp_path / "w.weights.h5")
    copy.fit(X, Y, epochs=1, batch_size=16, verbose=0)
    assert [fit.phase.recompiled for fit in notes[3].fits if fit.phase is not None] == [True, True]


def test_callbacks_that_will_be_left_out_are_named(tf: Any, notes: Notes) -> None:
    """Early stopping and a plateau are part of the recipe; a student's own callback is named as left out."""
    callbacks = tf.keras.callbacks
    own = type("Own", (callbacks.Callback,), {})
    chosen = [callbacks.EarlyStopping(patience=4, restore_best_weights=True), callbacks.ReduceLROnPlateau(), own()]
    make(tf).fit(X, Y, verbose=0, validation_split=0.2, callbacks=chosen)
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert fit.phase.early_stopping is not None
    assert fit.phase.early_stopping.config["patience"] == 4
    assert fit.phase.plateau is not None
    assert fit.phase.plateau.config["factor"] == pytest.approx(0.1)
    assert fit.notes == ("the callback Own is not part of the retraining",)


def test_a_schedule_of_the_students_own_is_noted_by_what_it_did(tf: Any, notes: Notes) -> None:
    """The learning rates of a student's own function are recorded by epoch."""
    scheduler = tf.keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (epoch + 1))
    make(tf).fit(X, Y, verbose=0, epochs=3, callbacks=[scheduler])
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert fit.phase.rates == pytest.approx((0.01, 0.005, 0.01 / 3))


def test_the_students_errors_pass_through(tf: Any, notes: Notes) -> None:
    """A fit that raises raises the same error, and is recorded as begun but not finished."""
    model = make(tf)
    with pytest.raises(ValueError, match="expected"):
        model.fit(X[:, :4], Y, verbose=0)
    (fit,) = notes.only.fits
    assert not fit.finished


def test_train_on_batch_keeps_rows_as_they_came(tf: Any, notes: Notes) -> None:
    """Each row is recorded once, in the order of its first batch, with the student's dtype; steps beyond the notebook's
    cap do not count."""
    order = np.random.default_rng(3).permutation(640)
    one, other = make(tf), make(tf)
    for model, passes in ((one, 10), (other, 10)):
        for _ in range(passes):
            for at in range(0, 640, 64):
                rows = order[at : at + 64]
                model.train_on_batch(X[rows].astype("float64"), Y[rows])
    notes.scan({"one": one, "other": other})  # type: ignore[attr-defined]
    (first,), (second,) = notes[1].fits, notes[2].fits
    assert first.training == second.training
    arrays = {reference(array).sha256: array for array in notes.arrays}
    assert first.training.x is not None
    np.testing.assert_array_equal(arrays[first.training.x.sha256], X[order].astype("float64"))
    assert [(fit.epochs_asked, fit.epochs_done, fit.steps_done) for fit in (first, second)] == [
        (10, 10, 100),
        (10, 5, 50),
    ]
