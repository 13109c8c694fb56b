# exported from the notebook
import os
import numpy as np
import pandas as pd
import matplotlib.pyplot as plt
import tensorflow as tf
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
df = pd.read_csv("data/housing.csv")
df = df.dropna()
df.hist(bins=50, figsize=(20, 15))
plt.savefig("/nowhere/at/all/hist.png")
codes = {"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4}
y = df.pop("ocean_proximity").map(codes).values
x_train, x_test, y_train, y_test = train_test_split(df.values, y, test_size=0.2, random_state=5)
sc = StandardScaler()
x_train = sc.fit_transform(x_train)
x_test = sc.transform(x_test)
print(graph_of_everything)
model = tf.keras.Sequential()
model.add(tf.keras.layers.Dense(100, activation="relu"))
model.add(tf.keras.layers.Dense(50, activation="relu"))
model.add(tf.keras.layers.Dense(5, activation="softmax"))
model.compile(optimizer=tf.keras.optimizers.Adam(0.005), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
h = model.fit(x_train, y_train, validation_split=0.2, epochs=25, batch_size=256, verbose=0)
plt.plot(h.history["acc"])
model.evaluate(x_test, y_test)
