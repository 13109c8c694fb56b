"""Practical 4: predict ocean proximity with a neural network."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

CLASSES = {"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4}
DATA = os.path.join("data", "housing.csv")


def load_data():
    housing = pd.read_csv(DATA)
    X = housing.drop(columns=["ocean_proximity"])
    Y = housing["ocean_proximity"].map(CLASSES).values
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=42)
    X_train, X_dev, Y_train, Y_dev = train_test_split(X_train, Y_train, test_size=0.2, random_state=42)
    imputer = SimpleImputer(strategy="median")
    scaler = MinMaxScaler((-1, 1))
    X_train = scaler.fit_transform(imputer.fit_transform(X_train))
    X_dev = scaler.transform(imputer.transform(X_dev))
    X_test = scaler.transform(imputer.transform(X_test))
    return (X_train, Y_train), (X_dev, Y_dev), (X_test, Y_test)


def build_model(n_hidden=2, n_neurons=100, learning_rate=5e-3):
    model = tf.keras.models.Sequential()
    model.add(tf.keras.layers.InputLayer(shape=(9,)))
    for _ in range(n_hidden):
        model.add(tf.keras.layers.Dense(n_neurons, activation="relu"))
    model.add(tf.keras.layers.Dense(5, activation="softmax"))
    optimizer = tf.keras.optimizers.Adam(learning_rate=learning_rate)
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def main():
    tf.keras.utils.set_random_seed(7)
    train, dev, test = load_data()
    model = build_model()
    model.fit(*train, validation_data=dev, epochs=45, batch_size=256, verbose=0)
    predicted = np.argmax(model.predict(test[0], verbose=0), axis=1)
    print("Accuracy:", (predicted == test[1]).mean())


if __name__ == "__main__":
    main()
