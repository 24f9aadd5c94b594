"""Proofs checked by a Lean on this host: warm processes, a few proofs long-lived, one for each header."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from verifiers.errors import InfrastructureError
from verifiers.isolation import usage
from verifiers.isolation.child import Child, Death, Died
from verifiers.outcome import Outcome
from verifiers.proofs.helpers import NAMESPACE
from verifiers.proofs.policy import Policy
from verifiers.proofs.report import ProofLimits, Report
from verifiers.proofs.statement import Statement
from verifiers.proofs.toolchain import Toolchain

_OUTCOMES = {
    "accepted": Outcome.correct,
    "refused": Outcome.incorrect,
    "parse_error": Outcome.compile_error,
    "elaboration_error": Outcome.compile_error,
}
_DEATHS = {
    Death.crash: Outcome.runtime_error,
    Death.cpu: Outcome.time_limit,
    Death.wall: Outcome.time_limit,
    Death.memory: Outcome.memory_limit,
    Death.forged: Outcome.incorrect,
}

_LIMITS = (Death.cpu, Death.wall, Death.memory)
_KILLED = (" -9", " 137")


class _Lean(Child):
    """A Lean that knows, at its end too, how long its question waited for a CPU: `waited` seconds."""

    _before = waited = 0.0

    def ask(self, request: dict[str, Any], **limits: float) -> tuple[dict[str, Any], float]:
        self._before = usage.waited_seconds(self.pid)
        return super().ask(request, **limits)

    def close(self) -> None:
        if not self.closed:
            self.waited = usage.waited_seconds(self.pid) - self._before
        super().close()


@dataclass
class LocalLean:
    """A pool of one process a header. A proof on which Lean dies twice, in fresh processes, is judged by that death."""

    toolchain: Toolchain
    limits: ProofLimits = field(default_factory=ProofLimits)
    policy: Policy = field(default_factory=Policy)
    start_seconds: float = 300.0
    proofs_a_process: int = 300
    headers_at_once: int = 2
    _processes: OrderedDict[str, _Lean] = field(default_factory=OrderedDict)
    _versions: dict[str, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def check(self, statement: Statement, body: str, *helpers: str) -> Report:
        """Check a body; a death of the process is retried once, since an earlier proof may have hurt it."""
        with self._lock:
            try:
                return self._check(statement, body, helpers)
            except Died as died:
                first = died
            try:
                report = self._check(statement, body, helpers)
                return replace(report, cpu_seconds=first.cpu_seconds + report.cpu_seconds)
            except Died as second:
                return _of_deaths(first, second)

    def lacks(self) -> str:
        """What its toolchain lacks."""
        return self.toolchain.lacks()

    def close(self) -> None:
        """End every process."""
        with self._lock:
            while self._processes:
                self._processes.popitem()[1].close()

    def _check(self, statement: Statement, body: str, helpers: Sequence[str]) -> Report:
        process = self._process(statement.header)
        request = {
            "name": statement.name, "signature": statement.signature, "source": statement.source(body),
            "namespace": NAMESPACE, "helpers": list(helpers),
        }  # fmt: skip
        try:
            reply, used = process.ask(request, **vars(self.limits))
        except Died as died:
            if died.how is Death.wall and process.waited > self.limits.wall_seconds / 2:
                raise InfrastructureError(
                    f"Lean waited {process.waited:.0f} s for a CPU: this host is too busy."
                ) from died
            raise
        verdict, detail = str(reply.get("verdict")), str(reply.get("detail", ""))
        if verdict not in _OUTCOMES:
            raise InfrastructureError(f"Lean could not check {statement.name}: {detail or verdict}"[:500])
        facts = {"lean": self._versions[statement.header], "backend": "local", **reply.get("facts", {})}
        return Report(_OUTCOMES[verdict], detail[:500], tuple(reply.get("lines", ())), used, facts)

    def _process(self, header: str) -> _Lean:
        """The warm process of a header, started if need be."""
        process = self._processes.get(header)
        if process is not None and self._worn(process):
            self._processes.pop(header).close()
            process = None
        if process is None:
            while len(self._processes) >= self.headers_at_once:
                self._processes.popitem(last=False)[1].close()
            self._processes[header] = process = self._start(header)
        self._processes.move_to_end(header)
        return process

    def _worn(self, process: _Lean) -> bool:
        if process.closed or process.asked > self.proofs_a_process:
            return True
        return process.memory_bytes() > self.limits.memory_bytes // 2

    def _start(self, header: str) -> _Lean:
        process = _Lean("Lean", self.toolchain.command())
        request = {"header": header, "policy": self.policy.message()}
        try:
            limits = replace(self.limits, cpu_seconds=self.start_seconds, wall_seconds=self.start_seconds)
            reply, _ = process.ask(request, **vars(limits))
        except Died as died:
            raise InfrastructureError(f"Lean did not start: {died.detail}.") from died
        if reply.get("verdict") != "ready":
            process.close()
            raise InfrastructureError(f"Lean refused the header: {str(reply.get('detail'))[:400]}")
        self._versions[header] = str(reply.get("lean", ""))
        return process


def _of_deaths(first: Died, second: Died) -> Report:
    """What two deaths in fresh processes say of a proof: a limit of ours, where one of them was."""
    how, detail = next(
        ((died.how, died.detail) for died in (second, first) if died.how in _LIMITS), (second.how, second.detail)
    )
    if how is Death.crash and detail.endswith(_KILLED):
        how = Death.memory  # the kernel's own end of what uses too much; we kill nothing that we still ask
    return Report(_DEATHS[how], detail, cpu_seconds=first.cpu_seconds + second.cpu_seconds, facts={"backend": "local"})
