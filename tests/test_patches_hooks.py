"""What files of configuration say of plugins and commands, as test runners would read them."""

import pytest

from verifiers.patches.hooks import named

INI = "[metadata]\nname = it\n\n[tool:pytest]\ntestpaths = tests\n"


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("setup.cfg", INI, INI + "addopts =\n    -ra\n    -p it\n"),
        ("setup.cfg", INI, INI + "xfail_strict = true\x0caddopts = -p it\n"),
        ("a/setup.cfg", INI, INI + "[options.entry_points]\npytest11 =\n    it = it\n"),
        ("setup.cfg", INI, INI + "[options]\nentry_points = file: it.txt\n"),
        ("tox.ini", "[testenv]\ndeps = pytest\n", "[testenv]\ndeps = pytest\nsetenv = PYTEST_PLUGINS=it\n"),
        ("pyproject.toml", "", '[tool.pytest.ini_options]\n"addopt\\u0073" = ["-p", "it"]\n'),
        ("pyproject.toml", "", '[project.entry-points."pytest\\u0031\\u0031"]\nit = "it"\n'),
        ("pyproject.toml", "[tool]\n", "[tool\n"),
        ("pyproject.toml", "", "a = " + "[" * 5_000),
        ("setup.cfg", INI, "no section\n" + INI),
    ],
)
def test_configuration_that_names_a_plugin_or_a_command_or_cannot_be_read_says_otherwise(
    path: str, before: str, after: str
) -> None:
    assert named(path, before.encode()) != named(path, after.encode())


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("setup.cfg", INI, INI + "xfail_strict = true\n"),
        ("setup.cfg", INI, INI.replace("it", "that") + "[options]\npackages = find:\n"),
        ("tox.ini", "[tox]\n", "[tox]\nminversion = 2\n[flake8]\nignore = E1\n"),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\naddopts = "-ra"\n',
            '[tool.pytest.ini_options]\naddopts = "-ra"\nx = 1\n',
        ),
    ],
)
def test_other_configuration_says_the_same(path: str, before: str, after: str) -> None:
    assert named(path, before.encode()) == named(path, after.encode())
