"""One small request before a run is made: what an endpoint refuses is known before it costs anything."""

import asyncio
from dataclasses import dataclass, replace

from models.settings import settings
from tasks.engines import ENDPOINT, endpoints_of
from tasks.engines.engine import Account, Load, Request, RequestRefused, RunRefused
from tasks.engines.loop import Loop
from tasks.engines.openai import servers_of
from tasks.engines.openai_errors import KeyRefused, NoCompletion, Passing, SettingRefused
from tasks.engines.openai_servers import ModelServer
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import Unavailable

PROBE_SECONDS = 5.0
PROMPT = "1"
TOKENS = ("max_tokens", "max_completion_tokens")
NO_KEY = "OPENAI_API_KEY is not set here."


@dataclass(frozen=True)
class Probed:
    """What a first request met: the settings that are left out, and sentences for a person."""

    left_out: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def probe(llm: Load, sampling: Sampling) -> Probed:
    """Ask each server of an llm for one token with the settings of a run, within 5 s in all.

    Unavailable, with a sentence, where it refuses the key, the llm or a setting, or is no OpenAI-compatible server.
    That it does not answer just now, or wants a key that is not at hand here, is a note.
    """
    if settings().openai_api_key is None and ENDPOINT in endpoints_of(llm.engine_args):
        return Probed(notes=(f"The endpoint {ENDPOINT} was not asked first: {NO_KEY}",))
    account = Account()
    request = Request("", PROMPT, 0, 1, replace(sampling, max_tokens=1), seeds=[0] if sampling.seeded else None)

    async def ask_all() -> list[str | BaseException | None]:
        asked = (_note(server, request, account) for server in servers_of(llm))
        return await asyncio.gather(*asked, return_exceptions=True)

    loop = Loop("probe")
    try:
        told = loop.begin(ask_all()).result()
    finally:
        loop.close()
    for error in told:
        if isinstance(error, BaseException):
            raise error
    return Probed(account.left_out, tuple(note for note in told if isinstance(note, str)))


async def _note(server: ModelServer, request: Request, account: Account) -> str | None:
    """What is to be said of a server where no person's mistake is found."""
    try:
        seed = request.seeds[0] if request.seeds else None
        await asyncio.wait_for(server.ask(request, account, 1, seed), PROBE_SECONDS)
    except TimeoutError:
        return f"The endpoint {server.served.url} takes longer than {PROBE_SECONDS:.0f} s for a token; the run waits."
    except NoCompletion as error:
        raise Unavailable(f"{error}; see --endpoint, which ends in /v1 for most servers.") from error
    except Passing as error:
        return f"{error}; the run waits for it."
    except KeyRefused as error:
        if settings().openai_api_key is None:
            return f"The endpoint {server.served.url} was not asked first: it wants a key, and {NO_KEY}"
        raise Unavailable(str(error)) from error
    except RunRefused as error:
        if isinstance(error, SettingRefused) and error.field in TOKENS:
            return None  # of one token, which nobody asked for but this
        raise Unavailable(str(error)) from error
    except RequestRefused as error:
        if "could not finish" in str(error).lower():
            return None  # OpenAI's reasoning models think longer than one token
        raise Unavailable(f"{error}; --no-probe enqueues all the same.") from error
    finally:
        await server.client.close()
    return None
