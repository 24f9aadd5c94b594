"""The two power laws of coverage against k, fitted by least squares to many curves at once."""

import numpy as np

from models.statistics.intervals import ALIKE, Floats
from models.statistics.newton import descend

FEWEST = 3
"""Points between 0 and 1 that a law of two parameters needs."""


def fit_lines(ks: Floats, curves: Floats) -> Floats:
    """a and b of log(-log coverage) = log a - b log k, by least squares over the points between 0 and 1.

    `curves` is curves x ks; NaN where fewer than three points lie inside.
    """
    inside = (curves > 0) & (curves < 1 - ALIKE)
    x = np.where(inside, np.log(ks), 0.0)
    y = np.log(-np.log(np.where(inside, curves, np.exp(-1))))  # 0 where it does not count
    points = inside.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = x.sum(axis=1) / points
        off = np.where(inside, x - middle[:, None], 0.0)
        slope = (off * y).sum(axis=1) / (off**2).sum(axis=1)
        offset = y.sum(axis=1) / points - slope * middle
    lines = np.stack([np.exp(offset), -slope], axis=1)
    lines[points < FEWEST] = np.nan
    return lines


def fit_power_laws(ks: Floats, curves: Floats, lines: Floats) -> Floats:
    """a and b of coverage = exp(a * k^b) (equations 2 and 3; a, b < 0), sought from the log-log lines.

    Unweighted least squares on coverage, as scipy's curve_fit, which the paper used; NaN where the line is.
    """
    fitted = ~np.isnan(lines).any(axis=1)
    log_k = np.log(ks)

    def loss(x: Floats, curve: Floats) -> tuple[Floats, Floats, Floats]:
        exponent = -np.exp(np.minimum(x[:, :1] + x[:, 1:] * log_k, 700))  # x is log -a, which keeps a below 0, and b
        value = np.exp(exponent)
        off = value - curve
        slopes = np.stack([value * exponent, value * exponent * log_k], axis=2)
        gradient = np.einsum("mk,mkp->mp", off, slopes)
        return (off**2).sum(axis=1) / 2, gradient, np.einsum("mkp,mkq->mpq", slopes, slopes)

    laws = np.full(lines.shape, np.nan)
    start = np.stack([np.log(lines[fitted, 0]), -lines[fitted, 1]], axis=1)
    found = descend(loss, start, curves[fitted], np.array([50.0, 50.0]))
    laws[fitted] = np.stack([-np.exp(found[:, 0]), found[:, 1]], axis=1)
    return laws
