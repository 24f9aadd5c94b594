"""Where everything is: the only reader of the environment."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from verifiers.errors import UserError

LONGEST_SOCKET_FOLDER = 80
"""Bytes: the kernel ends a socket's path at 107, and `/.s.PGSQL.5432.lock` has to fit behind it."""

DOCKER = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@dataclass(frozen=True)
class Settings:
    """One process's settings, read once; times are seconds."""

    home: Path
    """Everything the local stack writes: databases, logs, sockets, reports."""
    sockets: Path
    """A short folder of mode 0700 for the local servers' sockets."""
    database_address: str
    """As it was given: see database_url."""
    broker_url: str
    own_database: bool
    """True where no MONKEYS_DATABASE_URL is set: the local stack's PostgreSQL."""
    own_broker: bool
    flower_port: int | None
    """None: the first free one from 5555."""
    lease_seconds: float
    """How long a worker may be silent before its work is given to another."""
    hold_seconds: float
    """How long a busy worker keeps a message that it has not begun: shorter than a broker's patience."""
    sweep_seconds: float
    engine_seconds: float
    """How long vLLM's engine may give no token for what is in flight before it is taken to hang."""
    openai_api_key: str | None
    lean_project: Path | None
    """A built Lake project with Mathlib, for the local Lean back end."""
    kimina_url: str | None
    testlib: Path | None
    """The file testlib.h, which checkers of codecontests-plus include."""
    packages: Path | None
    """A folder that programs import from in place of the one that set-up made."""
    docker: Mapping[str, str]
    """Which Docker daemon judges patches: DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, those that are set."""
    patch_seconds: float
    """How long a patch's tests may take."""
    patch_memory_gb: float
    """Memory of the container of a patch."""
    patch_disk_gb: float
    """What a patch may write in its container."""
    images_gb: float
    """What images that were pulled for patches may take before those used longest ago are removed."""
    commit: str | None
    """What was built into a container image, which has no git to ask."""

    @property
    def database_url(self) -> str:
        """The database as SQLAlchemy takes it; UserError where the address is none, for whoever asks for it."""
        scheme, colon, rest = self.database_address.partition("://")
        if not colon or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise UserError(f"MONKEYS_DATABASE_URL must begin with postgresql://, not {scheme[:40]!r}.")
        return f"postgresql+psycopg://{rest}"


def checkout() -> Path | None:
    """The folder that this program runs from, where that is its source; None of an installed copy."""
    folder = Path(__file__).parents[1]
    try:
        project = (folder / "pyproject.toml").read_text("utf-8")
    except OSError:
        return None
    return folder if '\nname = "monkeys"\n' in project else None


def see_unpacked() -> None:
    """Have this process find, and its children load, what set-up unpacked for a system that lacks it."""
    if (folder := checkout()) is not None:
        os.environ.update(with_unpacked(os.environ, folder / ".monkeys" / "deb"))


def with_unpacked(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The variables that name programs and libraries, with those of this folder behind the system's own."""
    places = {
        "PATH": [folder / "usr" / "bin"],
        "LD_LIBRARY_PATH": [folder / lib / f"{os.uname().machine}-linux-gnu" for lib in ("usr/lib", "lib")],
    }
    found = {}
    for name, paths in places.items():
        known = environ.get(name, "")
        new = [str(path) for path in paths if path.is_dir() and str(path) not in known.split(":")]
        if new:
            found[name] = ":".join([*([known] if known else []), *new])
    return found


@cache
def settings() -> Settings:
    """This process's settings."""
    return read_settings(os.environ)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables; UserError where one is malformed."""
    source = checkout()
    usual = source / ".monkeys" if source else "~/.local/state/monkeys"
    home = Path(environ.get("MONKEYS_HOME") or usual).expanduser().absolute()
    sockets = home / "sockets"
    if len(os.fsencode(sockets)) > LONGEST_SOCKET_FOLDER:
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        sockets = Path(f"/tmp/monkeys-{os.getuid()}-{digest}")
    database_url = environ.get("MONKEYS_DATABASE_URL") or ""
    broker_url = environ.get("MONKEYS_BROKER_URL") or ""
    lean_project = environ.get("MONKEYS_LEAN_PROJECT")
    testlib = environ.get("MONKEYS_TESTLIB")
    packages = environ.get("MONKEYS_PACKAGES")
    return Settings(
        home=home,
        sockets=sockets,
        database_address=database_url or f"postgresql://monkeys@/monkeys?host={quote(str(sockets))}",
        broker_url=broker_url or f"redis+socket://{quote(str(sockets / 'redis.sock'))}",
        own_database=not database_url,
        own_broker=not broker_url,
        flower_port=int(_number(environ, "MONKEYS_FLOWER_PORT", 0)) if environ.get("MONKEYS_FLOWER_PORT") else None,
        lease_seconds=_number(environ, "MONKEYS_LEASE_SECONDS", 60),
        hold_seconds=_number(environ, "MONKEYS_HOLD_SECONDS", 240),
        sweep_seconds=_number(environ, "MONKEYS_SWEEP_SECONDS", 2),
        engine_seconds=_number(environ, "MONKEYS_ENGINE_SECONDS", 300),
        openai_api_key=environ.get("OPENAI_API_KEY"),
        lean_project=Path(lean_project).expanduser() if lean_project else None,
        kimina_url=environ.get("MONKEYS_KIMINA_URL") or None,
        testlib=Path(testlib).expanduser() if testlib else None,
        packages=Path(packages).expanduser().absolute() if packages else None,
        docker={name: environ[name] for name in DOCKER if environ.get(name)},
        patch_seconds=_number(environ, "MONKEYS_PATCH_SECONDS", 1800),
        patch_memory_gb=_number(environ, "MONKEYS_PATCH_MEMORY_GB", 8),
        patch_disk_gb=_number(environ, "MONKEYS_PATCH_DISK_GB", 8),
        images_gb=_number(environ, "MONKEYS_IMAGES_GB", 200),
        commit=environ.get("MONKEYS_COMMIT") or None,
    )


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 < number < 1e9:
        raise UserError(f"{name} must be a positive number, not {text!r}.")
    return number
