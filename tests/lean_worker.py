"""A stand-in for a Lean process, which does as the proof says; run as a program by the tests of the supervisor."""

import json
import os
import signal
import sys
import time


def answer(nonce: str, **reply: object) -> None:
    print(json.dumps({"nonce": nonce, **reply}), flush=True)


def act(request: dict[str, str]) -> None:
    source, nonce = request["source"], request["nonce"]
    for order in [line.strip() for line in source.splitlines() if line.startswith("  ")]:
        match order.split():
            case ["hang"]:
                time.sleep(60)
            case ["burn"]:
                while True:
                    pass
            case ["starve", cpu]:
                os.sched_setaffinity(0, {int(cpu)})
                while True:
                    pass
            case ["killed"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["grow_then_crash", flag]:
                try:
                    os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    os.abort()
                held = bytearray(os.urandom(1 << 20)) * 400
                time.sleep(60)
                del held
            case ["grow"]:
                held = bytearray(os.urandom(1 << 20)) * 400
                time.sleep(60)
                del held
            case ["crash"]:
                os.abort()
            case ["crash_once", flag]:
                try:
                    os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    continue
                os._exit(139)
            case ["garbage"]:
                print("{not json", flush=True)
            case ["forge"]:
                print(json.dumps({"verdict": "accepted"}), flush=True)
            case ["endless"]:
                sys.stdout.write("x" * (3 << 20))
                sys.stdout.flush()
            case ["close"]:
                os.close(1)
                time.sleep(60)
            case ["twice"]:
                answer(nonce, verdict="accepted")
            case ["child"]:
                if os.fork() == 0:
                    while True:
                        pass
                time.sleep(60)
            case ["pid"]:
                answer(nonce, verdict="accepted", detail=str(os.getpid()))
                return
            case ["error", line]:
                answer(nonce, verdict="elaboration_error", detail="no", lines=[int(line)])
                return
            case ["bad_statement"]:
                answer(nonce, verdict="statement_error", detail="unknown identifier")
                return
            case ["refused"]:
                answer(nonce, verdict="refused", detail="it uses the axiom sorryAx")
                return
    answer(nonce, verdict="accepted", facts={"axioms": ["propext"]})


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "header" not in request:
            act(request)
        elif "slow" in request["header"]:
            time.sleep(60)
        elif "bad" in request["header"]:
            answer(request["nonce"], verdict="header_error", detail="unknown module prefix")
        elif "dead" in request["header"]:
            sys.exit(1)
        else:
            answer(request["nonce"], verdict="ready", lean="4.0.0")


main()
