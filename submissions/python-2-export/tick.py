# -*- coding: cp1252 -*-
# In[1]:

!pip install -q seaborn
%matplotlib inline
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler,

# In[2]:

housing = pd.read_csv("housing.csv")
X = housing.drop("ocean_proximity", axis=1)
Y = housing["ocean_proximity"].map({"<1H OCEAN": 0, "INLAND": 1, "ISLAND": 2, "NEAR BAY": 3, "NEAR OCEAN": 4})
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=42)
X_train, X_dev, Y_train, Y_dev = train_test_split(X_train, Y_train, test_size=0.2, random_state=42)
print "rows für das Training:", len(X_train)
imputer, scaler = SimpleImputer(strategy="median"), StandardScaler()
X_train = scaler.fit_transform(imputer.fit_transform(X_train))
X_dev = scaler.transform(imputer.transform(X_dev))
X_test = scaler.transform(imputer.transform(X_test))

# In[3]:

%%time
model = tf.keras.Sequential([tf.keras.layers.Input(shape=(9,)),
                             tf.keras.layers.Dense(100, activation="relu"),
                             tf.keras.layers.Dense(50, activation="relu"),
                             tf.keras.layers.Dense(5, activation="softmax")])
model.compile(tf.keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, Y_train, epochs=25, batch_size=256, validation_data=(X_dev, Y_dev), verbose=0)
print "tested:", model.evaluate(X_test, Y_test)
model.evaluate(X_test, Y_test)
