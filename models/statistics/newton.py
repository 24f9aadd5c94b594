"""Many small smooth problems of the same form brought to their least loss at once."""

from collections.abc import Callable

import numpy as np

from models.statistics.intervals import Floats

Loss = Callable[[Floats, Floats], tuple[Floats, Floats, Floats]]
"""(points, their rows of data) -> losses, gradients and Hessians (or their like): m, m x p, m x p x p."""

SMALLEST_STEP = 1e-7

WORST_DAMPING = 1e8


def descend(loss: Loss, start: Floats, data: Floats, bounds: Floats, most: int = 60) -> Floats:
    """Where each row's loss is least, from its row of `start`: Newton steps, damped where they do not lead down.

    `start` is rows x parameters, `data` a row of whatever the loss needs for each, `bounds` one number a parameter: it
    stays between minus and plus that. Levenberg-Marquardt (Marquardt 1963), row by row; a row that has settled rests.
    """
    x = np.clip(start, -bounds, bounds)
    value, gradient, hessian = loss(x, data)
    damping = np.full(len(x), 1e-3)
    active = np.arange(len(x))
    for _ in range(most):
        steps = _steps(gradient[active], hessian[active], damping[active])
        trial = np.clip(x[active] + steps, -bounds, bounds)
        found = loss(trial, data[active])
        better = found[0] <= value[active]
        small = np.abs(trial - x[active]).max(axis=1) < SMALLEST_STEP
        kept = active[better]
        x[kept] = trial[better]
        for held, new in zip((value, gradient, hessian), found, strict=True):
            held[kept] = new[better]
        damping[active] *= np.where(better, 0.1, 10)
        active = active[~small & (damping[active] < WORST_DAMPING)]
        if not len(active):
            break
    return x


def _steps(gradient: Floats, hessian: Floats, damping: Floats) -> Floats:
    size = gradient.shape[1]
    diagonal = np.abs(np.einsum("mii->mi", hessian))
    damped = hessian + (damping[:, None] * diagonal + 1e-12)[:, :, None] * np.eye(size)
    singular = np.abs(np.linalg.det(damped)) < 1e-300
    damped[singular] = np.eye(size)
    return np.asarray(-np.linalg.solve(damped, gradient[:, :, None])[:, :, 0])
