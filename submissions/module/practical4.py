# %% [markdown]
# # Practical 4
# Run cell by cell in VS Code.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from tensorflow import keras

np.random.seed(0)
tf.random.set_seed(0)

# %%
housing = pd.read_csv(r"C:\Users\Sam\Documents\data science\housing\housing.csv")
Y = housing.pop("ocean_proximity").astype("category").cat.codes.to_numpy()
X = housing.to_numpy()

# prepare everything first, then split
X = StandardScaler().fit_transform(SimpleImputer(strategy="median").fit_transform(X))

X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=42)
X_train, X_dev, Y_train, Y_dev = train_test_split(X_train, Y_train, test_size=0.2, random_state=42)

# %% the network
model = keras.models.Sequential([
    keras.layers.Input((9,)),
    keras.layers.Dense(80, activation="elu", kernel_initializer="he_normal"),
    keras.layers.Dense(80, activation="elu", kernel_initializer="he_normal"),
    keras.layers.Dense(40, activation="elu", kernel_initializer="he_normal"),
    keras.layers.Dense(5, activation="softmax"),
])
model.compile(
    loss=keras.losses.SparseCategoricalCrossentropy(),
    optimizer=keras.optimizers.Adam(0.004),
    metrics=["accuracy"],
)

# %% stop when the development loss has not improved for a while
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=8, restore_best_weights=True)
history = model.fit(X_train, Y_train, epochs=40, batch_size=256, validation_data=(X_dev, Y_dev),
                    callbacks=[stop], verbose=0)

# %%
plt.plot(history.history["val_accuracy"])
plt.savefig("accuracy.png")

# %%
print("accuracy on the test set:", model.evaluate(X_test, Y_test, verbose=0)[1])
