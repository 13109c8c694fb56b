"""House values by regression; targets are standardised too."""

import keras
from keras import layers
from sklearn.datasets import fetch_california_housing
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def load():
    """Return training, validation and test parts, all standardised."""
    X, y = fetch_california_housing(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    y = StandardScaler().fit_transform(y.reshape(-1, 1))
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=3)
    X_train, X_valid, y_train, y_valid = train_test_split(X_train, y_train, test_size=0.2, random_state=3)
    return X_train, y_train, X_valid, y_valid, X_test, y_test


def main():
    X_train, y_train, X_valid, y_valid, X_test, y_test = load()
    model = keras.Sequential([layers.Input((8,)), layers.Dense(40, activation="relu"), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss="huber", metrics=["mae"])
    stop = keras.callbacks.EarlyStopping(monitor="val_mae", patience=5, restore_best_weights=True)
    model.fit(
        X_train, y_train, validation_data=(X_valid, y_valid), epochs=20, batch_size=64, callbacks=[stop], verbose=0
    )
    print("loss and mean absolute error:", model.evaluate(X_test, y_test, verbose=0))


if __name__ == "__main__":
    main()
