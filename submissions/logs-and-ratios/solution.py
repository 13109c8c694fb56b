import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

tf.keras.utils.set_random_seed(1)
CLASSES = {"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4}
housing = pd.read_csv("housing/housing.csv")
housing["total_bedrooms"] = housing["total_bedrooms"].fillna(housing["total_bedrooms"].median())
X = pd.DataFrame(
    {
        "longitude": housing["longitude"],
        "latitude": housing["latitude"],
        "age": housing["housing_median_age"],
        "rooms": np.log(housing["total_rooms"]),
        "rooms_per_household": housing["total_rooms"] / housing["households"],
        "bedrooms_per_room": housing["total_bedrooms"] / housing["total_rooms"],
        "people_per_household": np.log1p(housing["population"] / housing["households"]),
        "income": np.sqrt(housing["median_income"]),
        "value": housing["median_house_value"],
    }
)
y = housing["ocean_proximity"].map(CLASSES)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=3)
X_train, X_dev, y_train, y_dev = train_test_split(X_train, y_train, test_size=0.2, random_state=3)

scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_dev, X_test = scaler.transform(X_dev), scaler.transform(X_test)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((9,)),
        tf.keras.layers.Dense(64, activation="relu"),
        tf.keras.layers.Dense(32, activation="relu"),
        tf.keras.layers.Dense(5, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=20, batch_size=64, validation_data=(X_dev, y_dev), verbose=2)
print(model.evaluate(X_test, y_test))
