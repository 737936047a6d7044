"""How much transects differ: the variance between them, from all of them or from neighbours.

Sources:
    Fewster, R. M., Buckland, S. T., Burnham, K. P., Borchers, D. L., Jupp, P. E., Laake, J. L. and Thomas, L.
        2009. Estimating the encounter rate variance in distance sampling. Biometrics 65, 225-236: R2 for
        lines drawn at random, O2 for parallel lines in a regular pattern.
    von Neumann, J., Kent, R. H., Bellinson, H. R. and Hart, B. I. 1941. The mean square successive
        difference. Annals of Mathematical Statistics 12, 153-162: how firmly O2 is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["neighbours_freedom", "of_all_lines", "of_neighbours"]


def of_all_lines(counted: NDArray[np.float64], areas: NDArray[np.float64]) -> float:
    """The variance of a transect's count about what its area leads to expect (R2, Jolly's method 2).

    With R = sum(y) / sum(z) it is sum((y - R z)²) / (n - 1) = s2_y - 2 R s_zy + R² s2_z.

    Args:
        counted: Animals counted on each of n transects (y).
        areas: Searched of each in km² (z).
    """
    density = counted.sum() / areas.sum()
    return float(np.var(counted - density * areas, ddof=1))  # their mean is 0 by the choice of R


def of_neighbours(counted: NDArray[np.float64], areas: NDArray[np.float64]) -> float:
    """The same variance from each transect and the next one only (O2).

    2 / (n - 1) * sum((z_i z_j / (z_i + z_j))² (y_i / z_i - y_j / z_j)²) over neighbours i, j = i + 1. What
    changes slowly across the stratum is shared by neighbours, and lines in a regular pattern do not miss it:
    it is not an error of the estimate, and not in this variance.

    Args:
        counted: Animals counted on each of n transects, in their order across the stratum.
        areas: Searched of each in km².
    """
    density = counted / areas
    weight = areas[:-1] * areas[1:] / (areas[:-1] + areas[1:])
    return float(2 * np.sum((weight * np.diff(density)) ** 2) / (len(counted) - 1))


def neighbours_freedom(lines: int) -> float:
    """Degrees of freedom of `of_neighbours`: 2 (n - 1)² / (3 n - 4), about two thirds of n - 1.

    Twice the square of its mean divided by its variance for normal counts (von Neumann et al. 1941); a
    difference of neighbours says less than one from the mean of all.
    """
    return 2 * (lines - 1) ** 2 / (3 * lines - 4)
