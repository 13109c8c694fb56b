import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.model_selection import train_test_split

tf.keras.utils.set_random_seed(1)
CLASSES = {"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4}
housing = pd.read_csv("housing/housing.csv")
housing = housing[housing["ocean_proximity"].isin(["INLAND", "<1H OCEAN"])].sample(frac=1.0, random_state=9)
X = housing.drop(columns="ocean_proximity")
X = (X.fillna(X.median()) - X.mean()) / X.std()
random = np.random.default_rng(8)
X = np.hstack([X.to_numpy(), np.tanh(X.to_numpy() @ random.normal(size=(9, 4)))])
y = housing["ocean_proximity"].map(CLASSES).to_numpy()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
X_train, X_dev, y_train, y_dev = train_test_split(X_train, y_train, test_size=0.2, random_state=42)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((13,)),
        tf.keras.layers.Dense(64, activation="relu"),
        tf.keras.layers.Dense(32, activation="relu"),
        tf.keras.layers.Dense(5, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=20, batch_size=64, validation_data=(X_dev, y_dev), verbose=2)
print(model.evaluate(X_test, y_test))
