"""The Docker daemon whose containers judge patches: how this process speaks to it, and what its errors mean."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from verifiers.errors import InfrastructureError, JudgeAway
from verifiers.patches.limits import patch_settings

ANSWERS_WITHIN = 12.0
"""Seconds in which a daemon that is there answers."""

_clients: dict[tuple[float, frozenset[tuple[str, str]]], Any] = {}
os.register_at_fork(after_in_child=_clients.clear)  # a child that was forked shares no connection with its parent

_AWAY = ("shutting down", "containerd", "transport: error", "client connection is closing", "server is not running")
"""What a daemon says that is coming or going."""


def client(seconds: float = ANSWERS_WITHIN) -> Any:
    """This process's `docker.DockerClient` whose calls may each take so long; JudgeAway where no daemon answers."""
    environ = {name: value for name, value in patch_settings().environ.items() if value}
    key = (seconds, frozenset(environ.items()))
    if key not in _clients:
        with asking("be reached"):
            import docker

            # it asks for the daemon's version at once; without any variable it would read the process's own
            try:
                made = docker.DockerClient.from_env(environment=environ or {"DOCKER_HOST": ""}, timeout=ANSWERS_WITHIN)
            except ValueError as error:
                if isinstance(error, OSError):  # as what requests raises is
                    raise
                raise InfrastructureError(f"DOCKER_HOST is no address of a daemon ({address()}: {error})") from error
        made.api.timeout = seconds
        _clients.setdefault(key, made)
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
