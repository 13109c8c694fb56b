import tensorflow as tf
from sklearn.datasets import fetch_california_housing
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

tf.keras.utils.set_random_seed(1)
housing = fetch_california_housing()
X_rest, X_test, y_rest, y_test = train_test_split(housing.data, housing.target, random_state=42)
X_train, X_valid, y_train, y_valid = train_test_split(X_rest, y_rest, random_state=42)

scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_valid, X_test = scaler.transform(X_valid), scaler.transform(X_test)
model = tf.keras.Sequential(
    [tf.keras.layers.Input((8,)), tf.keras.layers.Dense(30, activation="relu"), tf.keras.layers.Dense(1)]
)
model.compile(optimizer=tf.keras.optimizers.SGD(0.01), loss="mse")
model.fit(X_train, y_train, epochs=20, validation_data=(X_valid, y_valid), verbose=2)
print(model.evaluate(X_test, y_test))
