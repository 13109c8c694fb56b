"""Practical 4, as a script."""
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from tensorflow import keras


def load():
    table = pd.read_csv("housing/housing.csv")
    table["total_bedrooms"].fillna(table["total_bedrooms"].median(), inplace=True)
    y = table.pop("ocean_proximity").map({"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4})
    return table.values, y.values


class Experiment:
    def __init__(self, units):
        self.units = units

    def build(self):
        layers = [keras.layers.Dense(u, activation="relu") for u in self.units]
        return keras.Sequential(layers + [keras.layers.Dense(5, activation="softmax")])

    def run(self):
        x, y = load()
        x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=0)
        mean, deviation = x_train.mean(axis=0), x_train.std(axis=0)
        x_train, x_test = (x_train - mean) / deviation, (x_test - mean) / deviation
        network = self.build()
        network.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
        network.fit(x_train, y_train, epochs=25, batch_size=256, validation_split=0.2, verbose=0)
        print(network.evaluate(x_test, y_test, verbose=0))


if __name__ == "__main__":
    Experiment([100, 50]).run()
