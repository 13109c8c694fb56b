import argparse
import asyncio
import sys

import pandas as pd
import tensorflow as tf
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

CLASSES = {"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4}


def read():
    housing = pd.read_csv("housing/housing.csv")
    housing["total_bedrooms"] = housing["total_bedrooms"].fillna(housing["total_bedrooms"].median())
    y = housing.pop("ocean_proximity").map(CLASSES).to_numpy()
    X_train, X_test, y_train, y_test = train_test_split(housing, y, test_size=0.2, random_state=42)
    X_train, X_dev, y_train, y_dev = train_test_split(X_train, y_train, test_size=0.2, random_state=42)
    scaler = StandardScaler().fit(X_train)
    return [(scaler.transform(X), of) for X, of in ((X_train, y_train), (X_dev, y_dev), (X_test, y_test))]


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.003)
    given = parser.parse_args()
    tf.keras.utils.set_random_seed(1)
    (X_train, y_train), development, (X_test, y_test) = read()
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((X_train.shape[1],)),
            tf.keras.layers.Dense(64, activation="relu"),
            tf.keras.layers.Dense(32, activation="relu"),
            tf.keras.layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(tf.keras.optimizers.Adam(given.rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X_train, y_train, epochs=given.epochs, batch_size=64, validation_data=development, verbose=2)
    print(model.evaluate(X_test, y_test))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
