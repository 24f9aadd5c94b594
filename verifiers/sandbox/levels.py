"""How well this host can keep programs apart: each level is tried, from within, before it is taken."""

from verifiers.errors import Unavailable
from verifiers.isolation.bwrap import advice
from verifiers.sandbox.limits import Level, Limits
from verifiers.sandbox.program import Program
from verifiers.sandbox.result import SlotFailed
from verifiers.sandbox.slot import KilledForMemory, Slot

_PROBE = Program.python(
    "import os, socket\n"
    "try:\n"
    "    socket.socket()\n"
    "    raise SystemExit('a socket could be made')\n"
    "except PermissionError:\n"
    "    pass\n"
    "for path in ('/root', '/home', '/etc/passwd', '/var'):\n"
    "    if os.path.exists(path):\n"
    "        raise SystemExit(path + ' can be seen')\n"
    "for path in ('/here', '/usr/here', '/dev/here'):\n"
    "    try:\n"
    "        open(path, 'w')\n"
    "        raise SystemExit(path + ' could be written')\n"
    "    except OSError:\n"
    "        pass\n"
    "print('apart')\n"
)


def probe(level: Level) -> str:
    """Start a jail of this level and look out of it: the empty string, or what is wrong in one line."""
    try:
        slot = Slot(level)
    except (SlotFailed, OSError, Unavailable) as error:
        return str(error)
    try:
        slot.begin(_PROBE, Limits(cpu_seconds=5))
        result = slot.test(b"")
    except (SlotFailed, KilledForMemory) as error:
        return str(error)
    finally:
        slot.close()
    if level is Level.unsafe or result.output == b"apart\n":
        return ""
    return result.errors.decode(errors="replace").strip()[-300:] or "the probe said nothing"


def best_level() -> Level:
    """The best level this host allows; Unavailable, with the reason and what to do, where nothing isolates."""
    reasons = []
    for level in (Level.bwrap, Level.bwrap_noproc):
        reason = probe(level)
        if not reason:
            return level
        reasons.append(f"{level}: {reason}")
    raise Unavailable(f"Programs cannot be run apart on this host ({'; '.join(reasons)}). {advice(reasons[-1])}")
