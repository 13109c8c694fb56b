"""Networks whose weights are fresh, or come from elsewhere; run as a program, it prints what is noted of each.

Each case makes networks, trains or uses some, and returns the one that is asked about.
"""

import contextlib
import copy
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

X = np.random.default_rng(1).normal(size=(640, 9)).astype("float32")
Y = np.arange(640) % 5
W = np.random.default_rng(2).normal(size=(9, 6)).astype("float32")
B = np.zeros(6, dtype="float32")

keras: Any = None
tf: Any = None


def ready(model: Any) -> Any:
    """Compile a network for the task."""
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def fit(model: Any) -> Any:
    """Compile and train a network."""
    ready(model).fit(X, Y, batch_size=320, verbose=0)
    return model


def plain(*more: Any, built: bool = True, name: str = "named", **settings: Any) -> Any:
    """A network of one hidden layer, whose name begins with ``named``."""
    layers = keras.layers
    first = [layers.Input((9,))] if built else []
    hidden = layers.Dense(6, activation="relu", name=f"{name}_{plain.__dict__.setdefault('n', 0)}", **settings)
    plain.__dict__["n"] += 1
    return keras.Sequential([*first, hidden, *more, layers.Dense(5, activation="softmax")])


def folder() -> str:
    """A new folder."""
    return tempfile.mkdtemp()


# -- fresh -----------------------------------------------------------------------------------------------


def every_initialiser() -> Any:
    made = keras.initializers
    kinds = [
        *("zeros", "ones", "glorot_uniform", "glorot_normal", "he_normal", "he_uniform", "lecun_normal"),
        *("lecun_uniform", "orthogonal", "random_normal", "random_uniform", "truncated_normal", "variance_scaling"),
        *(made.Constant(0.1), made.Constant(np.float32(0.1)), made.Constant(np.array([0.1])), made.Identity()),
        *(made.GlorotUniform(seed=3), made.RandomNormal(stddev=0.1, seed=4), made.VarianceScaling(2.0), made.Ones),
    ]
    if hasattr(keras.random, "SeedGenerator") if hasattr(keras, "random") else False:
        kinds.append(made.GlorotUniform(seed=keras.random.SeedGenerator(5)))
    layers = [keras.layers.Dense(6, kernel_initializer=kind, bias_initializer="zeros") for kind in kinds]
    return fit(plain(*layers))


def every_layer() -> Any:
    layers = keras.layers
    norm = layers.Normalization()
    norm.adapt(X)
    inputs = keras.Input((9,))
    x = layers.Rescaling(2.0)(norm(inputs))
    x = layers.PReLU()(layers.LayerNormalization()(layers.BatchNormalization()(layers.Dense(8)(x))))
    x = layers.Dropout(0.1)(layers.GaussianNoise(0.1)(x))
    y = layers.Flatten()(layers.Conv1D(2, 3)(layers.Reshape((9, 1))(inputs)))
    z = layers.Bidirectional(layers.LSTM(3))(layers.Reshape((9, 1))(inputs))
    e = layers.Flatten()(layers.Embedding(7, 2)(layers.Rescaling(0.0)(inputs)))
    return fit(keras.Model(inputs, layers.Dense(5, activation="softmax")(layers.Concatenate()([x, y, z, e]))))


def built_late() -> Any:
    return fit(plain(built=False))


def built_by_hand() -> Any:
    model = plain(built=False)
    model.build((None, 9))
    return fit(model)


def built_by_a_call() -> Any:
    model = plain(built=False)
    model(X[:2])
    return fit(model)


def built_by_predict() -> Any:
    model = ready(plain(built=False))
    model.predict(X, verbose=0)
    model.evaluate(X, Y, verbose=0)
    return fit(model)


def built_by_predict_and_set_back() -> Any:
    model = ready(plain(built=False))
    model.predict(X, verbose=0)
    model.set_weights([np.array(values) for values in model.get_weights()])
    return fit(model)


def called_in_training_mode() -> Any:
    model = plain(keras.layers.BatchNormalization())
    model(X, training=True)
    return fit(model)


def seeded() -> Any:
    keras.utils.set_random_seed(7)
    return fit(plain())


def subclassed() -> Any:
    class Own(keras.Model):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = keras.layers.Dense(6), keras.layers.Dense(5, activation="softmax")

        def call(self, x: Any) -> Any:
            return self.last(self.first(x))

    model = ready(Own())
    model.predict(X, verbose=0)
    return fit(model)


def clone() -> Any:
    return fit(keras.models.clone_model(fit(plain())))


def clone_with_initial_weights() -> Any:
    first = plain()
    other = keras.models.clone_model(first)
    other.set_weights(first.get_weights())
    return fit(other)


def from_config() -> Any:
    return fit(keras.Sequential.from_config(fit(plain()).get_config()))


def deep_copy() -> Any:
    return fit(copy.deepcopy(plain()))


def mixed_precision() -> Any:
    policy = keras.mixed_precision
    policy.set_global_policy("mixed_float16")
    try:
        model = plain(keras.layers.BatchNormalization())
        model.predict(X, verbose=0)
        return fit(model)
    finally:
        policy.set_global_policy("float32")


def saved_untrained() -> Any:
    path = f"{folder()}/untrained.keras"
    ready(plain()).save(path)
    return fit(keras.models.load_model(path))


def saved_and_trained_on() -> Any:
    path = f"{folder()}/trained.keras"
    fit(plain()).save(path)
    model = keras.models.load_model(path)
    return fit(model)


def saved_by_function_and_trained_on() -> Any:
    path = f"{folder()}/trained.keras"
    keras.models.save_model(fit(plain()), path)
    return fit(keras.models.load_model(path))


def checkpoint_of_another_of_its_kind() -> Any:
    path = f"{folder()}/kept.weights.h5"
    fit(plain()).save_weights(path)
    model = plain()
    model.load_weights(path)
    return fit(model)


def own_checkpoint() -> Any:
    path = f"{folder()}/kept.weights.h5"
    model = fit(plain())
    model.save_weights(path)
    model.load_weights(path)
    return fit(model)


def set_back_between_trainings() -> Any:
    model = plain()
    first = model.get_weights()
    fit(model)
    model.set_weights(first)
    return fit(model)


def by_batches() -> Any:
    model = ready(plain(built=False))
    for at in range(0, 640, 64):
        model.train_on_batch(X[at : at + 64], Y[at : at + 64])
    return model


def by_tape(in_a_graph: bool = False, built: bool = True) -> Any:
    model, optimizer = plain(built=built), keras.optimizers.SGD()
    measure = keras.losses.SparseCategoricalCrossentropy()

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = measure(y, model(x, training=True))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    step = tf.function(step) if in_a_graph else step
    for at in range(0, 640, 64):
        step(tf.constant(X[at : at + 64]), tf.constant(Y[at : at + 64]))
    return model


def by_tape_in_a_graph() -> Any:
    return by_tape(in_a_graph=True)


def frozen_layer() -> Any:
    return fit(plain(keras.layers.Dense(4, trainable=False)))


# -- from elsewhere ----------------------------------------------------------------------------------------


def set_weights() -> Any:
    model = plain()
    model.set_weights([W, B, *model.get_weights()[2:]])
    return fit(model)


def assigned() -> Any:
    model = plain()
    model.layers[0].kernel.assign(W)
    return fit(model)


def set_in_a_layer() -> Any:
    model = plain()
    model.layers[0].set_weights([W, B])
    return ready_by_batches(model)


def ready_by_batches(model: Any) -> Any:
    ready(model).train_on_batch(X[:64], Y[:64])
    return model


def set_before_a_tape() -> Any:
    model, optimizer = plain(), keras.optimizers.SGD()
    model.set_weights([W, B, *model.get_weights()[2:]])

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x, training=True)))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    for at in range(0, 640, 64):
        step(tf.constant(X[at : at + 64]), tf.constant(Y[at : at + 64]))
    return model


def set_after_predict() -> Any:
    model = ready(plain(built=False))
    model.predict(X, verbose=0)
    model.set_weights([W, B, *model.get_weights()[2:]])
    return fit(model)


def constant_of_a_list() -> Any:
    return fit(plain(kernel_initializer=keras.initializers.Constant(W.tolist()), trainable=False))


def constant_of_an_array() -> Any:
    return fit(plain(kernel_initializer=keras.initializers.Constant(W), built=False))


def constant_of_tensorflow() -> Any:
    return fit(plain(kernel_initializer=tf.constant_initializer(W)))


def only_used() -> Any:
    model = ready(plain())
    model.set_weights([W + 1, B, *model.get_weights()[2:]])
    model.evaluate(X, Y, verbose=0)
    return model


def loaded_from_an_unknown_file() -> Any:
    place = folder()
    model = plain()
    model.set_weights([W, B, *model.get_weights()[2:]])
    model.save(f"{place}/mine.keras")
    Path(f"{place}/mine.keras").rename(f"{place}/strange.keras")
    return keras.models.load_model(f"{place}/strange.keras")


def loaded_and_trained_on() -> Any:
    return fit(loaded_from_an_unknown_file())


# -- from another network ----------------------------------------------------------------------------------


def teacher() -> Any:
    """A trained network with another output."""
    inputs = keras.Input((9,))
    hidden = keras.layers.Dense(6, activation="relu", name=f"named_{len(asked.registry.records)}")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(9)(hidden))
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    asked.registry.record_of(model).rename("teacher")
    return model


def shared_trunk() -> Any:
    trunk = teacher().layers[1]
    return fit(keras.Sequential([keras.layers.Input((9,)), trunk, keras.layers.Dense(5, activation="softmax")]))


def copied_trunk() -> Any:
    model = plain()
    model.layers[0].set_weights(teacher().layers[1].get_weights())
    return fit(model)


def copied_trunk_of_a_late_network() -> Any:
    model = plain(built=False)
    model(X[:1])
    model.layers[0].set_weights(teacher().layers[1].get_weights())
    return fit(model)


FRESH: list[Callable[[], Any]] = [
    every_initialiser,
    every_layer,
    built_late,
    built_by_hand,
    built_by_a_call,
    built_by_predict,
    built_by_predict_and_set_back,
    called_in_training_mode,
    seeded,
    subclassed,
    clone,
    clone_with_initial_weights,
    from_config,
    deep_copy,
    mixed_precision,
    saved_untrained,
    saved_and_trained_on,
    saved_by_function_and_trained_on,
    checkpoint_of_another_of_its_kind,
    own_checkpoint,
    set_back_between_trainings,
    by_batches,
    by_tape,
    by_tape_in_a_graph,
    frozen_layer,
]
ELSEWHERE: list[Callable[[], Any]] = [
    set_weights,
    assigned,
    set_in_a_layer,
    set_before_a_tape,
    set_after_predict,
    constant_of_a_list,
    constant_of_an_array,
    constant_of_tensorflow,
    only_used,
    loaded_from_an_unknown_file,
    loaded_and_trained_on,
]
TRANSFERRED: list[Callable[[], Any]] = [shared_trunk, copied_trunk, copied_trunk_of_a_late_network]


def main() -> None:
    """Print the name of each case and what is noted of its network, between tabs."""
    global keras, tf, asked
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    warnings.simplefilter("ignore")
    import tensorflow
    from notes import Notes

    from checker.guest.plain.hooks import Hooks
    from checker.guest.watch.capture import Capture
    from checker.guest.watch.registry import ModelRegistry
    from checker.guest.watch.tape import Tapes
    from checker.records.assignment import Caps

    tf, keras = tensorflow, tensorflow.keras
    notes = Notes()
    registry = ModelRegistry(tf, Caps(10_000, 100_000, 1_000, 10_000), notes.send, lambda: 3)
    capture = asked = Capture(tf, registry)
    hooks = Hooks()
    capture.install(hooks)
    Tapes(tf, capture).install(hooks)
    for case in (*FRESH, *ELSEWHERE, *TRANSFERRED):
        with contextlib.redirect_stdout(sys.stderr):
            model = case()
        capture.scan({case.__name__: model})
        known = registry.record_of(model)
        print(case.__name__, known.unwatched or notes[known.id].origin, sep="\t", flush=True)


asked: Any = None

if __name__ == "__main__":
    main()
