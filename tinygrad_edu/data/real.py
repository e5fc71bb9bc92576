"""Real data that are installed with a package, so that none is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..extras import extra
from .columns import Array

_LAYOUTS: dict[str, tuple[int, ...]] = {"flat": (64,), "images": (1, 8, 8), "rows": (8, 8)}


def load_digits(layout: str = "flat") -> tuple[Array, Array]:
    """1797 handwritten digits of 8 x 8 pixels: the test set of Alpaydin and Kaynak (1998) that scikit-learn bundles.

    Args:
        layout: "flat" for vectors, X of shape (1797, 64); "images" for images of one channel, (1797, 1, 8, 8);
            "rows" for sequences of the images' rows from the top, (1797, 8, 8).

    Returns:
        X, float64 from 0 (paper) to 1 (ink), and y of shape (1797,), integers 0 to 9.

    Raises:
        ValueError: another layout.
        MissingExtraError: scikit-learn is not installed.
    """
    if layout not in _LAYOUTS:
        raise ValueError(f"load_digits: layout must be 'flat', 'images' or 'rows', not {layout!r}")
    pixels, digits = _bundled("digits")
    return pixels.reshape(-1, *_LAYOUTS[layout]) / 16.0, digits


def load_iris() -> tuple[Array, Array]:
    """150 irises of three species, by the lengths and widths of sepals and petals in cm (Anderson; Fisher, 1936).

    Returns:
        X of shape (150, 4), float64 as measured, and y of shape (150,), integers: setosa, versicolor, virginica.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    return _bundled("iris")


def load_wine() -> tuple[Array, Array]:
    """178 wines of three growers, by 13 chemical measurements (Forina, Leardi, Armanino and Lanteri, 1988).

    Returns:
        X of shape (178, 13), float64 as measured, and y of shape (178,), integers 0, 1 and 2.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    return _bundled("wine")


def load_breast_cancer() -> tuple[Array, Array]:
    """569 tumours by 30 measurements of their cells' nuclei (Street, Wolberg and Mangasarian, 1993).

    Returns:
        X of shape (569, 30), float64 as measured, and y of shape (569,), integers: 0 malignant, 1 benign.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    return _bundled("breast_cancer")


def load_diabetes() -> tuple[Array, Array]:
    """442 patients by age, sex, body mass index, blood pressure and six blood values (Efron et al., 2004).

    The features are raw, in their own units, as those of the other data sets are; scikit-learn's default is columns of
    mean 0 and length 1, scaled with the rows of a later test among them. See `standardise`.

    Returns:
        X of shape (442, 10), float64, and y of shape (442,), float64: how far the disease has gone a year later.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    return _bundled("diabetes", scaled=False)


def _bundled(name: str, **options: Any) -> tuple[Array, Array]:
    """X and y of one of scikit-learn's data sets."""
    features, target = getattr(extra("sklearn.datasets", "tour"), f"load_{name}")(return_X_y=True, **options)
    return features, target


def load_names() -> list[str]:
    """The 5163 first names, female and male, of the 1990 US census that the package ``names`` bundles.

    Returns:
        Each name once, in small letters a to z, in alphabetical order.

    Raises:
        MissingExtraError: ``names`` is not installed.
    """
    files = extra("names", "tour").FILES
    found = set()
    for key in ("first:female", "first:male"):
        lines = Path(files[key]).read_text(encoding="ascii").splitlines()
        found |= {line.split()[0].lower() for line in lines}
    return sorted(found)
