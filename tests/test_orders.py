"""In whatever order runs are made, stopped, cancelled, resumed, extended, limited, judged again and deleted."""

import os
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.orders import Faults, Orders
from tests.place import Place
from tests.test_ledger import recording


def in_random_order(place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """MONKEYS_TEST_SEED does again what failed."""
    seed = int(os.environ.get("MONKEYS_TEST_SEED") or SystemRandom().randrange(10**9))
    random = Random(seed)
    file = recording(folder, a=["1"] * 60, b=["1"] * 60)
    orders = Orders(place, file, random, Faults(random))
    with orders.faults.injected(monkeypatch):
        try:
            for _ in range(steps):
                orders.step()
            orders.settle()
        except BaseException:
            print(f"MONKEYS_TEST_SEED={seed}", *orders.done, sep="\n")
            raise


@pytest.mark.usefixtures("brittle_is_ours")
def test_a_run_keeps_what_must_hold_in_any_order(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_random_order(place, tmp_path, monkeypatch, 60)


@pytest.mark.slow
@pytest.mark.usefixtures("brittle_is_ours")
@pytest.mark.parametrize("_time", range(10))
def test_runs_keep_what_must_hold_in_any_order_for_long(
    any_postgres: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _time: int
) -> None:
    in_random_order(any_postgres, tmp_path, monkeypatch, 400)
