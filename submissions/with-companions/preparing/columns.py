"""The data, split and scaled."""

from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

CLASSES = Path(__file__).with_name("classes.csv")


def scaled_parts(file):
    """Return training, development and test part, each as inputs and class numbers."""
    housing = pd.read_csv(file)
    numbers = pd.read_csv(CLASSES).set_index("name")["number"]
    y = housing.pop("ocean_proximity").map(numbers).to_numpy()
    housing = housing.fillna(housing.median())
    X_train, X_test, y_train, y_test = train_test_split(housing, y, test_size=0.2, random_state=42)
    X_train, X_dev, y_train, y_dev = train_test_split(X_train, y_train, test_size=0.2, random_state=42)
    scaler = StandardScaler().fit(X_train)
    return [(scaler.transform(X), of) for X, of in ((X_train, y_train), (X_dev, y_dev), (X_test, y_test))]
