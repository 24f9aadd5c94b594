"""The Docker daemon whose containers judge patches: how this process speaks to it, and what its errors mean."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from verifiers.errors import InfrastructureError, JudgeAway
from verifiers.patches.limits import patch_settings

ANSWERS_WITHIN = 12.0
"""Seconds in which a daemon that is there answers."""

_clients: dict[tuple[int, float, frozenset[tuple[str, str]]], Any] = {}
_lock = threading.Lock()
os.register_at_fork(after_in_child=lambda: _forget())

_AWAY = ("shutting down", "containerd", "transport: error", "client connection is closing", "server is not running")
"""What a daemon says that is coming or going."""


def client(seconds: float = ANSWERS_WITHIN) -> Any:
    """This process's `docker.DockerClient` whose calls may each take so long; JudgeAway where no daemon answers."""
    environ = {name: value for name, value in patch_settings().environ.items() if value}
    key = (os.getpid(), seconds, frozenset(environ.items()))
    with _lock, asking("be reached"):
        if key not in _clients:
            import docker

            # without any variable the client would read the process's own
            _clients[key] = docker.DockerClient.from_env(environment=environ or {"DOCKER_HOST": ""}, timeout=seconds)
        return _clients[key]


def address() -> str:
    """Where the daemon is looked for."""
    return patch_settings().environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def lacks_docker() -> str:
    """A sentence that says what keeps patches from being judged here; nothing where they can be."""
    try:
        import docker  # noqa: F401
    except ImportError:
        return "Docker's client is not installed: pip install 'monkeys[swebench]'."
    try:
        with asking("answer"):
            client().ping()
    except (InfrastructureError, JudgeAway) as error:
        hint = "start Docker, or set DOCKER_HOST"
        if "Permission denied" in str(error):
            hint = "let this user into the group docker, or set DOCKER_HOST to a daemon of its own"
        return f"{str(error)[0].upper()}{str(error)[1:]}: {hint}."
    return ""


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Have what Docker's client raises within come out as JudgeAway or InfrastructureError; `what` ends "could not"."""
    import requests
    import urllib3
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        said = " ".join(str(error.explanation or error).split())
        if error.status_code == 503 or (error.is_server_error() and any(word in said.lower() for word in _AWAY)):
            raise _away(said) from error
        raise InfrastructureError(f"the Docker daemon could not {what}: {said[:300]}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _away(_reason(error)) from error
    except DockerException as error:
        if error.__cause__ is None:
            raise InfrastructureError(f"the Docker daemon could not {what}: {error}") from error
        raise _away(_reason(error)) from error


def _away(reason: str) -> JudgeAway:
    return JudgeAway(f"the Docker daemon at {address()} does not answer ({reason[:200]})")


def _reason(error: BaseException) -> str:
    """What the operating system said, found in the errors that were wrapped around it."""
    seen: list[BaseException] = [error]
    for each in seen:
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        seen += [one for one in inner if isinstance(one, BaseException) and one not in seen]
    return "timed out" if "timed out" in str(error).lower() else " ".join(str(error).split())


def _forget() -> None:
    """A child that was forked shares no connection, and no lock, with its parent."""
    global _lock
    _lock = threading.Lock()
    _clients.clear()
