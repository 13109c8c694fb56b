import pandas as pd
import tensorflow as tf
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import PowerTransformer, StandardScaler

tf.keras.utils.set_random_seed(1)
CLASSES = {"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4}
housing = pd.read_csv("housing/housing.csv")
X = housing.drop(columns="ocean_proximity")
X = X.fillna(X.median())
y = housing["ocean_proximity"].map(CLASSES)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
X_train, X_dev, y_train, y_dev = train_test_split(X_train, y_train, test_size=0.2, random_state=0)

skewed = ["total_rooms", "total_bedrooms", "population", "households", "median_income", "median_house_value"]
transformer = make_column_transformer((PowerTransformer(), skewed), remainder=StandardScaler())
X_train = transformer.fit_transform(X_train)
X_dev, X_test = transformer.transform(X_dev), transformer.transform(X_test)
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
