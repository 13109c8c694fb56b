"""The allow-list: the Keras classes for a network and its training, each with the settings that are kept.

The clean guest builds nothing else, and scripts written for people use nothing else.
"""

from collections.abc import Mapping

WEIGHTS = "kernel_initializer bias_initializer kernel_regularizer bias_regularizer kernel_constraint bias_constraint"
NORMS = "axis epsilon center scale beta_initializer gamma_initializer beta_regularizer gamma_regularizer"
OPTIMIZER = "learning_rate weight_decay clipnorm global_clipnorm clipvalue use_ema ema_momentum"
CONVOLUTION = f"filters kernel_size strides padding dilation_rate activation use_bias {WEIGHTS}"

LAYERS = {
    "InputLayer": "shape",
    "Dense": f"units activation use_bias activity_regularizer {WEIGHTS}",
    "Activation": "activation",
    "Dropout": "rate",
    "GaussianDropout": "rate",
    "GaussianNoise": "stddev",
    "AlphaDropout": "rate",
    "ReLU": "max_value negative_slope threshold",
    "LeakyReLU": "negative_slope alpha",
    "PReLU": "alpha_initializer alpha_regularizer alpha_constraint shared_axes",
    "ELU": "alpha",
    "Softmax": "axis",
    "BatchNormalization": f"momentum moving_mean_initializer moving_variance_initializer {NORMS}",
    "LayerNormalization": NORMS,
    "UnitNormalization": "axis",
    "Normalization": "axis",
    "Rescaling": "scale offset",
    "ActivityRegularization": "l1 l2",
    "Embedding": "input_dim output_dim embeddings_initializer embeddings_regularizer embeddings_constraint mask_zero",
    "Flatten": "",
    "Reshape": "target_shape",
    "RepeatVector": "n",
    "Permute": "dims",
    "Conv1D": CONVOLUTION,
    "MaxPooling1D": "pool_size strides padding",
    "AveragePooling1D": "pool_size strides padding",
    "GlobalMaxPooling1D": "",
    "GlobalAveragePooling1D": "",
    "Add": "",
    "Subtract": "",
    "Multiply": "",
    "Average": "",
    "Maximum": "",
    "Minimum": "",
    "Concatenate": "axis",
}
MERGING = frozenset({"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"})
OPERATORS = frozenset({"Add", "Subtract", "Multiply", "Maximum", "Minimum"})
PLAIN_ACTIVATIONS = frozenset("relu sigmoid tanh softmax elu selu softplus softsign swish silu gelu".split())
"""Functions without settings that students call on symbolic tensors in place of layers; ``OPERATORS`` likewise."""

INITIALIZERS = {
    "Zeros": "",
    "Ones": "",
    "Constant": "value",
    "RandomNormal": "mean stddev",
    "RandomUniform": "minval maxval",
    "TruncatedNormal": "mean stddev",
    "GlorotNormal": "",
    "GlorotUniform": "",
    "HeNormal": "",
    "HeUniform": "",
    "LecunNormal": "",
    "LecunUniform": "",
    "VarianceScaling": "scale mode distribution",
    "Orthogonal": "gain",
}
REGULARIZERS = {"L1": "l1", "L2": "l2", "L1L2": "l1 l2"}
CONSTRAINTS = {
    "MaxNorm": "max_value axis",
    "NonNeg": "",
    "UnitNorm": "axis",
    "MinMaxNorm": "min_value max_value rate axis",
}
OPTIMIZERS = {
    "SGD": f"momentum nesterov {OPTIMIZER}",
    "Adam": f"beta_1 beta_2 epsilon amsgrad {OPTIMIZER}",
    "AdamW": f"beta_1 beta_2 epsilon amsgrad {OPTIMIZER}",
    "Adamax": f"beta_1 beta_2 epsilon {OPTIMIZER}",
    "Nadam": f"beta_1 beta_2 epsilon {OPTIMIZER}",
    "RMSprop": f"rho momentum epsilon centered {OPTIMIZER}",
    "Adagrad": f"initial_accumulator_value epsilon {OPTIMIZER}",
    "Adadelta": f"rho epsilon {OPTIMIZER}",
    "Ftrl": "learning_rate_power initial_accumulator_value l1_regularization_strength "
    f"l2_regularization_strength l2_shrinkage_regularization_strength beta {OPTIMIZER}",
    "Lion": f"beta_1 beta_2 {OPTIMIZER}",
}
SCHEDULES = {
    "ExponentialDecay": "initial_learning_rate decay_steps decay_rate staircase",
    "InverseTimeDecay": "initial_learning_rate decay_steps decay_rate staircase",
    "PiecewiseConstantDecay": "boundaries values",
    "PolynomialDecay": "initial_learning_rate decay_steps end_learning_rate power cycle",
    "CosineDecay": "initial_learning_rate decay_steps alpha warmup_target warmup_steps",
    "CosineDecayRestarts": "initial_learning_rate first_decay_steps t_mul m_mul alpha",
}
LOSSES = {
    "SparseCategoricalCrossentropy": "from_logits",
    "CategoricalCrossentropy": "from_logits label_smoothing",
    "BinaryCrossentropy": "from_logits label_smoothing",
    "CategoricalFocalCrossentropy": "alpha gamma from_logits label_smoothing",
    "KLDivergence": "",
    "MeanSquaredError": "",
    "MeanAbsoluteError": "",
    "MeanSquaredLogarithmicError": "",
    "MeanAbsolutePercentageError": "",
    "Huber": "delta",
    "LogCosh": "",
    "Poisson": "",
    "Hinge": "",
    "SquaredHinge": "",
    "CategoricalHinge": "",
    "CosineSimilarity": "",
}
LOSS_ALIASES = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "msle": "MeanSquaredLogarithmicError",
                "mape": "MeanAbsolutePercentageError", "logcosh": "LogCosh", "kld": "KLDivergence",
                "kl_divergence": "KLDivergence", "huber_loss": "Huber"}  # fmt: skip
CALLBACKS = {
    "EarlyStopping": "monitor min_delta patience mode baseline restore_best_weights start_from_epoch",
    "ReduceLROnPlateau": "monitor factor patience mode min_delta cooldown min_lr",
    "ModelCheckpoint": "monitor mode",
}

ACTIVATIONS = frozenset(
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear "
    "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign "
    "sparse_plus sparsemax squareplus swish tanh tanh_shrink threshold".split()
)

NESTED: Mapping[str, Mapping[str, str]] = {
    "_initializer": INITIALIZERS,
    "_regularizer": REGULARIZERS,
    "_constraint": CONSTRAINTS,
    "learning_rate": SCHEDULES,
    "activation": {k: LAYERS[k] for k in ("ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax")},
}


def nested(key: str) -> Mapping[str, str]:
    """Return the allow-list for objects in a setting of this name; {} if it takes none."""
    return next((allowed for ending, allowed in NESTED.items() if key.endswith(ending)), {})
