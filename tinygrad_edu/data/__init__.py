"""Data sets that need no download, parts of them, and batches. All are plain arrays: constants to the graph."""

from .batching import Batches, batches
from .characters import Characters
from .columns import pad_sequences
from .made import make_circles, make_moons, make_sines, make_spirals
from .real import load_breast_cancer, load_diabetes, load_digits, load_iris, load_names, load_wine
from .splitting import folds, standardise, train_test_split

__all__ = [
    "Batches",
    "Characters",
    "batches",
    "folds",
    "load_breast_cancer",
    "load_diabetes",
    "load_digits",
    "load_iris",
    "load_names",
    "load_wine",
    "make_circles",
    "make_moons",
    "make_sines",
    "make_spirals",
    "pad_sequences",
    "standardise",
    "train_test_split",
]
