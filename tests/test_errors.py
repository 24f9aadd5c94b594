"""Every error that is not a programming error is one sentence and an exit code; doctor looks at everything."""

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import amqp
import click
import kombu.exceptions
import psycopg
import pytest
import redis
from psycopg import errors
from sqlalchemy.exc import OperationalError

from cli import group
from cli.errors import sentence
from cli.options import engine_args, engine_options, with_endpoint
from cli.worker.command import worker_command
from cli.worker.wanted import serving
from models.database import is_away, is_passing, is_unmade, transaction
from models.questions.health import WaitingQueue
from models.settings import settings
from tasks.engines import queue_of
from tasks.engines.reward_models import read_reward_name, reward_name, reward_queue
from tests.counted import Tally, counted_run
from tests.place import Place, send_to
from verifiers.benchmarks.guarded import BrokenBenchmark
from verifiers.errors import InfrastructureError, JudgeAway, Unavailable, UserError


def of_file(number: int) -> OSError:
    return OSError(number, "as the system says", "some/file.jsonl")


TOLD = [
    (UserError("Give another."), 2, "Give another."),
    (Unavailable("It is away."), 1, "It is away."),
    (BrokenBenchmark("my_bench.py raised ValueError: x (line 3)."), 2, "(line 3)"),
    (InfrastructureError("no bwrap"), 1, "Nothing can be judged here"),
    (JudgeAway("no daemon answers"), 1, "Nothing can be judged here"),
    (psycopg.OperationalError("connection refused"), 1, "does not answer"),
    (OperationalError("select", {}, errors.AdminShutdown("going down")), 1, "does not answer"),
    (errors.ReadOnlySqlTransaction("read-only"), 1, "is read-only"),
    (errors.DependentObjectsStillExist("cannot drop view run_progress"), 2, "rests on"),
    (amqp.exceptions.PreconditionFailed("PRECONDITION_FAILED - inequivalent arg"), 2, "of another kind"),
    (errors.DiskFull("No space left"), 1, "is full"),
    (errors.DeadlockDetected("deadlock"), 1, "is busy"),
    (errors.QueryCanceled("statement timeout"), 1, "is busy"),
    (errors.LockNotAvailable("lock"), 1, "is busy"),
    (errors.NumericValueOutOfRange("integer out of range"), 2, "cannot hold a value"),
    (errors.UntranslatableCharacter("unsupported Unicode escape sequence"), 2, "cannot hold a value"),
    (errors.ProgramLimitExceeded("index row size 8016 exceeds maximum"), 2, "too long"),
    (errors.StatementTooComplex("stack depth limit exceeded"), 2, "too long"),
    (errors.InsufficientPrivilege("permission denied for table run"), 2, "refuses it"),
    (kombu.exceptions.OperationalError("refused"), 1, "The broker does not answer"),
    (amqp.exceptions.ConnectionForced("bye"), 1, "The broker does not answer"),
    (redis.exceptions.BusyLoadingError("loading"), 1, "The broker does not answer"),
    (ConnectionResetError(errno.ECONNRESET, "reset"), 1, "The broker does not answer"),
    (of_file(errno.ENOENT), 2, "some/file.jsonl cannot be used"),
    (of_file(errno.EACCES), 2, "some/file.jsonl cannot be used"),
    (of_file(errno.EISDIR), 2, "some/file.jsonl cannot be used"),
    (of_file(errno.ENOTDIR), 2, "some/file.jsonl cannot be used"),
    (of_file(errno.ENAMETOOLONG), 2, "some/file.jsonl cannot be used"),
    (of_file(errno.ENOSPC), 1, "The disk is full"),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), 2, "not UTF-8"),
]
"""Error, exit code, what a person reads. A new kind of error is a row here."""


@pytest.mark.parametrize(("error", "code", "said"), TOLD, ids=lambda value: type(value).__name__)
def test_an_error_of_the_world_is_a_sentence(error: BaseException, code: int, said: str) -> None:
    told = sentence(error)
    assert told is not None
    assert told.exit_code == code
    assert said in str(told)
    assert "\n" not in str(told)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("id"), ValueError("x"), TypeError("x"), AssertionError(), RecursionError(), ZeroDivisionError(),
        errors.UniqueViolation(), errors.UndefinedColumn(), errors.SyntaxError(), psycopg.ProgrammingError("closed"),
        BrokenPipeError(errno.EPIPE, "pipe"), OSError("no number"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_programming_error_keeps_its_traceback(place: Place, error: BaseException) -> None:
    assert sentence(error) is None


A_MISTAKE_OF_OURS = """
import sys, types, click, cli
module = sys.modules["cli.broken"] = types.ModuleType("cli.broken")
module.broken = click.Command("broken", callback=lambda: {}["key"])
cli.COMMANDS.append("broken")
sys.argv = ["monkeys", "broken"]
cli.main()
"""


def test_a_mistake_of_our_own_shows_its_traceback_and_asks_to_be_reported() -> None:
    done = subprocess.run([sys.executable, "-c", A_MISTAKE_OF_OURS], capture_output=True, text=True)
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2] == "KeyError: 'key'"
    assert "please report it" in lines[-1]
    assert "monkeys --version" in lines[-1]


@pytest.mark.parametrize(
    "command", [["check", "pocket-sums", "-"], ["sql", "select pg_sleep(60)"], ["worker", "verify"]]
)
def test_ctrl_c_ends_a_command_in_a_line_at_most(place: Place, command: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert "Traceback" not in said
    if command[0] != "worker":  # which tells what it does
        assert said.strip() in ("", "Aborted!")
        assert process.returncode in (1, 130, -signal.SIGINT)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error(place: Place, closed: str) -> None:
    done = subprocess.run(f"{sys.executable} -m cli runs {closed}", shell=True, capture_output=True, text=True)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_nobody_who_can_answer_is_a_no(place: Place) -> None:
    run = counted_run([Tally(1, 1)])
    done = subprocess.run(f"{sys.executable} -m cli delete {run} <&-", shell=True, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.endswith("Aborted!\n")
    assert place.one("select count(*) from run") == 1


@pytest.mark.parametrize("command", ["--help", "runs --help", "runs", "sql 'select 1'"])
def test_a_full_disk_is_one_sentence(place: Place, command: str) -> None:
    counted_run([Tally(1, 1)])
    done = subprocess.run(f"{sys.executable} -m cli {command} >/dev/full", shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "monkeys: The disk is full; free some space.\n")


AWAY = {
    "08000": True, "08006": True, "57P01": True, "57P02": True, "57P03": True, "53100": True, "53200": True,
    "53300": True, "25006": True, "40001": False, "40P01": False, "57014": False, "55P03": False, "54000": False,
    "54001": False, "22003": False, "42501": False, "42P01": False, "25P03": False, "25P04": False,
    "XX000": False, "58030": False,
}  # fmt: skip


@pytest.mark.parametrize("state", AWAY)
def test_what_is_waited_for_goes_by_the_sqlstate(state: str) -> None:
    error = errors.lookup(state)("said")
    assert is_away(error) is AWAY[state]
    assert is_passing(error) is (state in ("40001", "40P01", "57014", "55P03", "25P03", "25P04"))
    assert is_unmade(error) is (state in ("42501", "42P01"))


def test_a_connection_that_was_lost_has_no_sqlstate_and_is_waited_for() -> None:
    assert is_away(psycopg.OperationalError("server closed the connection unexpectedly"))
    assert is_away(psycopg.InterfaceError("the connection is closed"))
    assert not is_away(psycopg.InternalError("no state"))
    assert not is_away(ValueError())


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("MONKEYS_DATABASE_URL", "postgresql://x@host:abc/x"),
        ("MONKEYS_DATABASE_URL", "postgresql://x@127.0.0.1/x?mistyped=1"),
        ("MONKEYS_DATABASE_URL", "postgresql://[::1/x"),
        ("MONKEYS_DATABASE_URL", "mysql://x"),
        ("MONKEYS_BROKER_URL", "foo://x"),
        ("MONKEYS_BROKER_URL", "sqs://"),
        ("MONKEYS_BROKER_URL", "amqp://host:abc//"),
        ("MONKEYS_BROKER_URL", "redis://127.0.0.1:1/x"),
        ("MONKEYS_BROKER_URL", "amqp://[::1"),
    ],
)
def test_an_address_that_is_none_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv(variable, address)
        settings.cache_clear()
        send_to(os.environ["MONKEYS_BROKER_URL"])
        said = place.refused("enqueue", "pocket-sums", "-n", "1")
    settings.cache_clear()
    send_to(place.broker_url)
    assert said.startswith(f"monkeys: {variable} ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("words", [["check", "pocket-sums", "-"], ["down"]])
def test_what_needs_no_database_does_not_mind_a_wrong_address(place: Place, words: list[str]) -> None:
    code, output = place.start_and_wait(*words, MONKEYS_DATABASE_URL="nonsense")
    assert "MONKEYS_DATABASE_URL" not in output
    assert code == 0


def test_a_name_that_no_index_holds_is_not_told_as_an_outage(place: Place) -> None:
    said = place.refused("enqueue", "pocket-sums", "-n", "1", "--limit", "1", "--name", "n" + token_urlsafe(6_000))
    assert "at most 200 characters" in said
    assert "does not answer" not in said
    assert "answer" not in said
    assert place.one("select count(*) from problem") == 0


def test_a_value_that_postgres_refuses_is_one_sentence(place: Place) -> None:
    said = place.refused("enqueue", "pocket-sums", "-n", "1", "--limit", "1", "--engine-arg", 'x="\\u0000"')
    assert "without NUL" in said


@pytest.mark.parametrize("text", ["x=NaN", "x=-Infinity", 'x={"a": [1e999]}', "x", "1x=2"])
def test_an_engine_argument_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--engine-arg"):
        engine_args([text])


def test_a_commit_is_no_number() -> None:
    commits = {"revision": "7e12345", "code_revision": "1234567", "other": "7e12345"}
    assert engine_args([f"{key}={commit}" for key, commit in commits.items()]) == commits


VALUES: dict[str, Any] = {
    "endpoint": "http://127.0.0.1:8000/v1", "hf_overrides": {"a": [1, "two words", None]}, "dtype": "half",
    "revision": "7e12345", "max_model_len": 4096, "ratio": 0.25, "flag": True, "off": False, "none": None,
    "looks": "17", "commit": "7e12345", "separator": "\n\n", "quoted": "it's \"so\" $HOME `x`", "empty": "",
    "equals": "a=b", "spaces": " a  b ", "letters": "ä\u00a0\U0001f412", "word": "true", "no_number": "NaN",
    "bell": "é\u0007", "turned": "a\u202eb",
}  # fmt: skip


def test_engine_arguments_survive_their_way_through_options() -> None:
    assert engine_args(engine_options(VALUES)) == VALUES
    assert all(option.isprintable() or "\n" in option for option in engine_options(VALUES))
    assert repr(engine_args(["x=1e17", "y=-0.0", "z=0.5"])) == repr({"x": 10**17, "y": 0.0, "z": 0.5})


def parsed(line: str) -> dict[str, Any]:
    """What click makes of a line that a person copies into a shell."""
    program, *words = shlex.split(line)
    assert program == "monkeys"
    context, command = click.Context(group), group.get_command(click.Context(group), words[0])
    assert isinstance(command, click.Group)
    sub = command.get_command(context, words[1])
    assert sub is not None
    return sub.make_context(words[1], words[2:], parent=context).params


@pytest.mark.parametrize("llm", ["org/Llm-8B", "openai:gpt x", "/my llms/it's one"])
def test_the_command_for_an_llm_serves_its_queue(llm: str) -> None:
    waiting = WaitingQueue(queue_of(llm, VALUES), 5, llm, VALUES, None)
    options = parsed(serving(waiting) or "")
    endpoint = with_endpoint((), options["endpoint"])
    assert options["llm"] == llm
    assert options["endpoint"] == ("http://127.0.0.1:8000/v1",)
    assert queue_of(options["llm"], engine_args([*options["engine_arguments"], *endpoint])) == waiting.queue


def test_the_command_for_several_endpoints_serves_their_queue_and_one_is_what_it_was() -> None:
    arguments = {"endpoint": ["http://a:1/v1", "http://b:2/v1"]}
    options = parsed(worker_command("generate", "openai:m", arguments))
    assert options["endpoint"] == ("http://a:1/v1", "http://b:2/v1")
    assert engine_args(with_endpoint((), options["endpoint"])) == arguments
    assert engine_args(engine_options(arguments)) == arguments
    one = engine_args(with_endpoint((), ("http://a:1/v1",)))
    assert one == {"endpoint": "http://a:1/v1"}
    assert queue_of("openai:m", one) == "generate.openai-m-996ea27c"


@pytest.mark.parametrize("arguments", [{}, {"dtype": "half"}, VALUES, {"step_token": "<extra_0>", "aggregate": "last"}])
@pytest.mark.parametrize("name", ["org/prm", "my prm", "a b=c d=1"])
def test_the_command_for_a_reward_model_serves_its_queue(name: str, arguments: dict[str, Any]) -> None:
    queue = reward_queue(name, arguments)
    options = parsed(serving(WaitingQueue(queue, 5, None, None, reward_name(name, arguments))) or "")
    assert reward_queue(options["reward_model"], engine_args(options["engine_arguments"])) == queue


def test_a_reward_model_whose_name_does_not_make_its_queue_has_no_command() -> None:
    assert read_reward_name("org/prm dtype=half", reward_queue("org/prm", {})) is None


@pytest.mark.parametrize("queue", ["verify", "verify.docker"])
def test_the_command_for_verification_serves_its_queue(queue: str) -> None:
    assert parsed(serving(WaitingQueue(queue, 5, None, None, None)) or "")["queues"] == (queue,)


def test_doctor_prints_the_command_that_serves_what_waits(place: Place) -> None:
    place.ok(
        "enqueue", "pocket-sums", "-m", "openai:gpt x", "-n", "1", "--limit", "1", "--quiet",
        "--endpoint", "http://127.0.0.1:1/v1", "--engine-arg", 'extra={"a": "b c"}',
    )  # fmt: skip
    queue = place.one("select queue from llm")
    lines = place.monkeys("doctor").stdout.splitlines()
    (at,) = (at for at, line in enumerate(lines) if queue in line)
    options = parsed(lines[at + 1].strip())
    arguments = with_endpoint(options["engine_arguments"], options["endpoint"])
    assert queue_of(options["llm"], engine_args(arguments)) == queue


def test_doctor_tells_stuck_dropped_and_failed_works(place: Place) -> None:
    run = place.ok("enqueue", "pocket-sums", "-n", "3", "--limit", "1", "--batch-size", "1", "--quiet").strip()
    with transaction() as connection:
        ids = [row["id"] for row in connection.execute("select id from work order by id").fetchall()]
        connection.execute("update work set published_at = now() - interval '20 minutes' where id = %s", (ids[0],))
        connection.execute(
            "update work set state = 'leased', lease_until = now() - interval '1 hour' where id = %s", (ids[1],)
        )
        connection.execute(
            "update work set state = 'failed', last_error = e'so it was\\nand more' where id = %s", (ids[2],)
        )
    findings = json.loads(place.monkeys("doctor", "--json").stdout)
    works = [(each["ok"], each["command"]) for each in findings if each["check"] == "works"]
    assert works == [(None, None), (False, "monkeys sweep"), (None, f"monkeys resume {run}")]
    assert {"database", "schema", "clock", "broker", "workers", "sweeper", "sandbox", "engine", "disk"} <= {
        each["check"] for each in findings
    }


def test_doctor_says_what_it_finds_as_it_finds_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli import doctor

    def _late() -> Any:
        yield doctor.Finding("late", True, "first")
        raise RuntimeError("a programming error of one check")

    monkeypatch.setattr(doctor, "CHECKS", (_late, doctor._disk))
    result = place.monkeys("doctor")
    said = result.stdout.splitlines()
    assert said[0] == "✓ late: first"
    assert said[1].startswith("✗ late: this check itself fails (RuntimeError")
    assert said[2].startswith("✓ disk:") or said[2].startswith("✗ disk:")
    assert result.exit_code == 1


FILES: list[Callable[[Path], list[str]]] = [
    lambda folder: ["check", "pocket-sums", str(folder)],
    lambda folder: ["check", "pocket-sums", str(folder / "none")],
    lambda folder: ["check", "pocket-sums", str(folder), "--problem", "sums-000"],
    lambda folder: ["check", "pocket-sums", str(folder / "latin"), "--data", str(folder / "latin")],
    lambda folder: ["enqueue", "pocket-sums", "-n", "1", "--data", str(folder)],
    lambda folder: ["enqueue", "pocket-sums", "-n", "1", "--prompt-file", str(folder)],
    lambda folder: ["enqueue", "pocket-sums", "-n", "1", "--prompt-file", str(folder / "latin")],
    lambda folder: ["import", str(folder / "none"), "--benchmark", "pocket-sums", "--llm", "x"],
    lambda folder: ["import", str(folder), "--benchmark", "pocket-sums", "--llm", "x"],
]


@pytest.mark.parametrize("command", FILES, ids=range(len(FILES)))
def test_a_file_that_cannot_be_read_is_one_sentence(
    place: Place, tmp_path: Path, command: Callable[[Path], list[str]]
) -> None:
    (tmp_path / "latin").write_bytes("é\n".encode("latin-1"))
    place.refused(*command(tmp_path))


def test_lines_that_are_no_json_are_one_sentence_from_stdin_too(place: Place) -> None:
    from click.testing import CliRunner

    result = CliRunner().invoke(group, ["check", "pocket-sums", "-"], input='{"problem": \n', prog_name="monkeys")
    assert result.exit_code == 2
    assert "Line 1 of -" in result.output


def test_a_command_for_a_shell_is_quoted() -> None:
    assert worker_command("verify", "a b") == "monkeys worker verify -Q 'a b'"


def test_doctor_on_a_database_without_tables_says_to_migrate(place: Place) -> None:
    with transaction() as connection:
        connection.execute("drop table alembic_version, work cascade")
    said = place.monkeys("doctor").stdout
    assert "✗ schema: The database has no tables of ours yet; run `monkeys migrate`." in said
    assert "! works: not looked at" in said
    assert "itself fails" not in said


def test_no_check_dies_for_the_absence_of_an_outside_program(place: Place) -> None:
    _, output = place.start_and_wait("doctor", PATH="", LD_LIBRARY_PATH=os.environ.get("LD_LIBRARY_PATH", ""))
    assert "Traceback" not in output
    assert "this check itself fails" not in output
    assert "programs and proofs cannot be judged here" in output
