"""What programs may import beside the standard library, and that nobody else pays for it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.settings import read_settings, settings
from tests.place import Place
from verifiers.errors import UserError
from verifiers.programs.install import NAMES
from verifiers.sandbox import MIB, Level, Limits, Program, Sandbox, find_packages, may_import, the_sandbox, use_packages
from verifiers.sandbox.slot import Slot

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: no program was run")
needs_packages = pytest.mark.skipif(not find_packages().folder, reason="NO PACKAGES: `make set-up` installs them")

SMALL = Limits(cpu_seconds=5, memory_bytes=256 * MIB)
MATMUL = "import numpy as np\nprint(int((np.ones((99, 99)) @ np.ones((99, 99))).sum()))"
USES = {
    MATMUL: b"970299",
    "import numpy as np\nprint(sum(map(int, np.sort(np.array(input().split(), int)))))": b"6",
    "from scipy.sparse import csgraph\nprint(csgraph.dijkstra(csgraph.csgraph_from_dense([[0, 2]] * 2))[0][1])": b"2.0",
    "from scipy.optimize import linear_sum_assignment as best\nprint(best([[1, 2], [3, 1]])[1].tolist())": b"[0, 1]",
    "import sympy\nprint(sympy.factorint(2**31 - 1), sympy.isprime(91))": b"{2147483647: 1} False",
    "from numba import njit\nprint(njit(lambda x: x + 1)(41))": b"42",
    "from sortedcontainers import SortedList\nprint(SortedList([3, 1, 2]))": b"SortedList([1, 2, 3])",
    "import networkx as nx\nprint(nx.dijkstra_path_length(nx.path_graph(4), 0, 3))": b"3",
}


@pytest.fixture(autouse=True)
def default() -> Iterator[None]:
    """The folder that set-up made is this process's own again afterwards."""
    yield
    use_packages(None)


SLOWER = [pytest.param(source, marks=[] if "numpy" in source else pytest.mark.slow) for source in USES]


@needs_bwrap
@needs_packages
@pytest.mark.parametrize("source", SLOWER, ids=lambda source: source.split()[1])
def test_a_program_of_256_mib_imports_and_uses_it(source: str) -> None:
    result = the_sandbox().run(Program.python(source), [b"3 1 2\n"], SMALL).results[0]
    assert (result.output.strip(), result.errors) == (USES[source], b"")


@needs_bwrap
@needs_packages
@pytest.mark.slow
def test_without_isolation_it_is_the_same() -> None:
    sandbox = Sandbox(Level.unsafe)
    try:
        run = sandbox.run(Program.python(MATMUL), [b""], SMALL)
    finally:
        sandbox.close()
    assert run.results[0].output.strip() == USES[MATMUL]


@needs_bwrap
@needs_packages
def test_it_computes_in_one_thread_and_is_not_there_before_it_is_imported() -> None:
    source = """
import os, sys
print(sorted({name.partition(".")[0] for name in sys.modules} & {"numpy", "scipy", "sympy", "networkx"}))
import numpy
print(len(os.listdir("/proc/self/task")), sys.path[-1], os.access(sys.path[-1], os.W_OK))
"""
    assert the_sandbox().run(Program.python(source), [b""], SMALL).results[0].output == b"[]\n1 /packages False\n"


@needs_bwrap
def test_what_is_not_there_is_the_programs_own_error() -> None:
    run = the_sandbox().run(Program.python("import torch"), [b""], SMALL)
    assert b"ModuleNotFoundError: No module named 'torch'" in run.results[0].errors
    assert run.results[0].exit_code == 1


@needs_bwrap
@needs_packages
def test_a_verdict_says_what_there_was_to_import() -> None:
    said = the_sandbox().run(Program.python("print()"), [b""], SMALL).facts["packages"]
    assert said == find_packages().told
    assert {pair.split()[0] for pair in said.split(", ")} >= set(NAMES)
    assert may_import("numpy")
    assert may_import("json")
    assert not may_import("torch")


# folders of a person's own


def folder_of(place: Path, tag: str, name: str = "small") -> Path:
    """As `pip install --target` makes one, of one package whose wheel has that tag."""
    (place / f"{name}-1.5.dist-info").mkdir(parents=True)
    (place / f"{name}-1.5.dist-info" / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {tag}\n")
    (place / f"{name}.py").write_text("SIZE = 1\n")
    return place


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that others can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@needs_bwrap
def test_another_folder_takes_the_place_of_the_default(open_folder: Path) -> None:
    use_packages(folder_of(open_folder / "own", "py3-none-any"))
    assert find_packages().versions == {"small": "1.5"}
    assert may_import("small")
    assert not may_import("numpy")
    slot = Slot(Level.bwrap)
    try:
        slot.begin(Program.python("import small\nprint(small.SIZE, small.__file__)\nimport numpy"), SMALL)
        result = slot.test(b"")
    finally:
        slot.close()
    assert result.output == b"1 /packages/small.py\n"
    assert b"No module named 'numpy'" in result.errors
    assert slot.facts["packages"] == "small 1.5"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: the sandbox has this user's own rights")


@needs_bwrap
@needs_root
@pytest.mark.parametrize("level", [Level.bwrap, Level.unsafe])
def test_packages_below_a_folder_that_is_closed_to_others_are_reached(open_folder: Path, level: Level) -> None:
    own = folder_of(open_folder / "closed" / "to others" / "own", "py3-none-any")
    (open_folder / "closed").chmod(0o700)
    (open_folder / "closed" / "secret").write_text("a secret\n")
    use_packages(own)
    look = f"import os, small\nprint(small.SIZE, os.path.exists('{open_folder}/closed/secret'))"
    slot = Slot(level)
    try:
        slot.begin(Program.python(look), SMALL)
        result = slot.test(b"")
    finally:
        slot.close()
    assert (result.output, result.errors) == (b"1 False\n", b"")
    assert str(open_folder) not in Path("/proc/self/mounts").read_text()


@needs_root
def test_a_folder_that_the_sandboxs_user_cannot_reach_is_told(open_folder: Path) -> None:
    (open_folder / "closed").mkdir(0o700)
    own = folder_of(open_folder / "closed" / "own", "py3-none-any")
    own.chmod(0o700)
    use_packages(own)
    assert find_packages().lack == f"Programs can import no packages: {own} is closed to other users."
    assert not may_import("small")


@needs_root
def test_root_without_the_right_to_mount_is_told(open_folder: Path) -> None:
    folder_of(open_folder / "closed" / "own", "py3-none-any")
    (open_folder / "closed").chmod(0o700)
    script = (
        "import sys\nfrom pathlib import Path\nfrom verifiers.sandbox import packages\n"
        "packages.use_packages(Path(sys.argv[1]))\nprint(packages.find_packages().lack)"
    )
    line = ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-c", script, str(open_folder / "closed" / "own")]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert said == f"Programs can import no packages: {open_folder}/closed is closed to other users.\n"


@pytest.mark.parametrize("tag", ["cp27-cp27mu-manylinux1_x86_64", "cp399-cp399-manylinux_2_27_x86_64", "py2-none-any"])
def test_packages_for_another_python_are_told_and_not_there(open_folder: Path, tag: str) -> None:
    use_packages(folder_of(open_folder / "own", tag))
    found = find_packages()
    assert (found.folder, found.versions) == (None, {})
    assert f"small at {open_folder}/own is for another Python than the sandbox's 3." in found.lack
    assert "\n" not in found.lack


@pytest.mark.parametrize("tag", ["py2.py3-none-any", "cp38-abi3-manylinux_2_17_x86_64", "py3-none-any"])
def test_packages_for_any_python_are_there(open_folder: Path, tag: str) -> None:
    use_packages(folder_of(open_folder / "own", tag))
    assert find_packages().told == "small 1.5"


def test_a_folder_without_packages_is_told_with_what_makes_some(tmp_path: Path) -> None:
    use_packages(tmp_path)
    assert find_packages().lack.endswith(f"`{sys.executable} -m verifiers.programs.install` installs them.")


def test_a_folder_that_is_none_is_a_persons_mistake(tmp_path: Path, place: Place) -> None:
    with pytest.raises(UserError, match="There is no folder of packages at"):
        use_packages(tmp_path / "none")
    said = place.refused("worker", "verify", "--packages", str(tmp_path / "none"))
    assert f"There is no folder of packages at {tmp_path}/none" in said
    assert read_settings({"MONKEYS_PACKAGES": "~/some"}).packages == Path.home() / "some"
    assert read_settings({}).packages is None


@needs_packages
def test_the_doctor_says_what_may_be_imported(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli import doctor

    monkeypatch.setattr(doctor, "CHECKS", (doctor._packages,))
    assert place.monkeys("doctor").stdout == f"✓ packages: programs may import {find_packages().told}\n"
    monkeypatch.setenv("MONKEYS_PACKAGES", str(doctor.__file__).rpartition("/")[0])
    settings.cache_clear()
    assert place.monkeys("doctor").stdout.startswith("! packages: There are no packages for programs at ")
