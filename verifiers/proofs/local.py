"""Proofs checked by a Lean on this host: warm processes, a few proofs long-lived, one for each header."""

import os
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.proofs.backend import Limits, Report
from verifiers.proofs.policy import Policy
from verifiers.proofs.process import Death, Died, LeanProcess
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


@dataclass
class LocalLean:
    """A pool of one process a header. A proof on which Lean dies twice, in fresh processes, is judged by that death."""

    toolchain: Toolchain
    limits: Limits = field(default_factory=Limits)
    policy: Policy = field(default_factory=Policy)
    start_seconds: float = 300.0
    proofs_a_process: int = 300
    headers_at_once: int = 2
    _processes: OrderedDict[str, LeanProcess] = field(default_factory=OrderedDict)
    _versions: dict[str, str] = field(default_factory=dict)
    _owner: int = field(default_factory=os.getpid)
    _lock: Lock = field(default_factory=Lock)

    def check(self, statement: Statement, body: str) -> Report:
        """Check a body; a death of the process is retried once, since an earlier proof may have hurt it."""
        with self._lock:
            try:
                return self._check(statement, body)
            except Died as first:
                self._processes.pop(statement.header)
                spent = first.cpu_seconds
            try:
                report = self._check(statement, body)
                return Report(report.outcome, report.detail, report.lines, spent + report.cpu_seconds, report.facts)
            except Died as second:
                self._processes.pop(statement.header)
                return self._report_death(second, spent + second.cpu_seconds)

    def close(self) -> None:
        """End every process."""
        with self._lock:
            while self._processes:
                self._processes.popitem()[1].close()

    def _check(self, statement: Statement, body: str) -> Report:
        process = self._process(statement.header)
        request = {"name": statement.name, "signature": statement.signature, "source": statement.source(body)}
        reply, used = process.ask(request, self.limits.cpu_seconds, self.limits.wall_seconds, self.limits.memory_bytes)
        verdict, detail = str(reply.get("verdict")), str(reply.get("detail", ""))
        if verdict not in _OUTCOMES:
            raise InfrastructureError(f"Lean could not check {statement.name}: {detail or verdict}"[:500])
        facts = {"lean": self._versions[statement.header], "backend": "local", **reply.get("facts", {})}
        return Report(_OUTCOMES[verdict], detail[:500], tuple(reply.get("lines", ())), used, facts)

    def _process(self, header: str) -> LeanProcess:
        """The warm process of a header, started if need be."""
        if self._owner != os.getpid():  # a fork's pipes are its parent's
            self._processes.clear()
            self._owner = os.getpid()
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

    def _worn(self, process: LeanProcess) -> bool:
        return process.asked > self.proofs_a_process or process.memory_bytes() > self.limits.memory_bytes // 2

    def _start(self, header: str) -> LeanProcess:
        process = LeanProcess(self.toolchain.command())
        request = {"header": header, "policy": self.policy.message()}
        try:
            reply, _ = process.ask(request, self.start_seconds, self.start_seconds, self.limits.memory_bytes)
        except Died as died:
            raise InfrastructureError(f"Lean did not start: {died.detail}.") from died
        if reply.get("verdict") != "ready":
            process.close()
            raise InfrastructureError(f"Lean refused the header: {str(reply.get('detail'))[:400]}")
        self._versions[header] = str(reply.get("lean", ""))
        return process

    def _report_death(self, died: Died, cpu_seconds: float) -> Report:
        return Report(_DEATHS[died.how], died.detail, cpu_seconds=cpu_seconds, facts={"backend": "local"})
