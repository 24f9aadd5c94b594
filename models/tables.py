"""Every table but those of `analyze`, on one screen each. `work` is the state machine; `sample` is keyed so that "once"
is a primary key.

The grain: a run has batches (consecutive sample indices of one problem); each batch has works (generate it, verify
it by one verifier, score it by one reward model); each work has attempts. Samples, extractions and scores are one row
a sample; candidates and verdicts one row a distinct candidate of a problem.

The tables with a row a sample have no foreign keys: checking one writes a lock into the row it points to, so that
verifying would rewrite every sample. Only the holder of a batch's lease writes them (tasks/ledger).
"""

from datetime import datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL
from sqlmodel import Field, SQLModel

from models.columns import ident, jsonb, moment, of_run, one_of, ref, said, setting, several
from verifiers.outcome import Outcome


class State(StrEnum):
    """The one state machine of every work: ready -> published -> leased -> done | failed | cancelled."""

    ready = "ready"
    """Wanted, and no message is on its way."""
    published = "published"
    """A message with its id was sent; messages are nudges and may be lost or doubled."""
    leased = "leased"
    """One worker holds it until lease_until."""
    done = "done"
    failed = "failed"
    """Given up after its attempts; last_error says why."""
    cancelled = "cancelled"


class Kind(StrEnum):
    """What a work does with its batch."""

    generate = "generate"
    verify = "verify"
    score = "score"


class Llm(SQLModel, table=True):
    """The sampled network with the engine arguments that change its samples."""

    __table_args__ = (UniqueConstraint("name", "engine_args"),)
    id: int = ident()
    name: str = said("As given to -m: a hub name, a folder, openai:NAME or replay:FILE")
    engine: str = said("vllm, openai or replay")
    engine_args: dict[str, Any] = jsonb("Engine arguments that change samples: revision, dtype, max_model_len ...")
    queue: str = said("The Celery queue that only workers with this llm loaded serve", unique=True)
    parameters: int | None = said("Number of parameters", default=None, sa_type=BigInteger)
    active_parameters: int | None = said(
        "Parameters used for one token (all of them unless a mixture of experts)",
        default=None,
        sa_type=BigInteger,
    )
    layers: int | None = said("Transformer layers", default=None)
    token_dim: int | None = said("Attention heads x head size", default=None)
    loaded_at: datetime | None = moment("When a worker last loaded it and stored its sizes")


class BenchmarkRow(SQLModel, table=True):
    """A named set of problems."""

    __tablename__ = "benchmark"
    id: int = ident()
    name: str = said("gsm8k, math, ... or that of a person's own", unique=True)
    origin: str | None = said("Of a person's own: the file or the module that it comes from", default=None)


class ProblemRow(SQLModel, table=True):
    """One thing to be solved; the same key with other contents is another problem."""

    __tablename__ = "problem"
    __table_args__ = (UniqueConstraint("benchmark_id", "key", "content_hash"),)
    id: int = ident()
    benchmark_id: int = ref("benchmark.id")
    key: str = said("The data set's own name or id, else the line number from 0")
    content_hash: str = said("Hex SHA-256 of data; empty where only the key is known")
    data: dict[str, Any] = jsonb("The data set's own fields; empty where only the key is known")


class VerifierRow(SQLModel, table=True):
    """A named, versioned pair: extract (text to candidate) and judge (candidate to outcome)."""

    __tablename__ = "verifier"
    __table_args__ = (UniqueConstraint("benchmark_id", "name", "version"),)
    id: int = ident()
    benchmark_id: int = ref("benchmark.id")
    name: str
    version: str
    queue: str = said(
        "The Celery queue of its works: verify, verify.docker, or that of a person's own benchmark", default="verify"
    )
    code: dict[str, Any] | None = Field(
        default=None,
        sa_type=JSONB,
        sa_column_kwargs={"comment": "Of a person's own: attribute, digest, and source or module and folder"},
    )


class Run(SQLModel, table=True):
    """One benchmark x llm x sampling settings."""

    id: int = ident()
    name: str | None = said("Optional and unique", default=None, unique=True)
    benchmark_id: int = ref("benchmark.id")
    llm_id: int = ref("llm.id", index=True)
    verifier_id: int = ref("verifier.id")
    other_verifiers: list[int] = several(BigInteger, "Verifiers that judge its samples beside the counting one")
    next_verifier_id: int | None = ref(
        "verifier.id",
        default=None,
        sa_column_kwargs={"comment": "Becomes the counting verifier once it has judged every sample"},
    )
    n: int = said("Samples wanted of each problem")
    batch_size: int = said("Samples in a full batch")
    sampling: dict[str, Any] = jsonb("Sampling settings as one object, of which the columns up to seeded are made")
    temperature: float | None = setting("temperature", Double, "Null where an import did not say")
    top_p: float = setting("top_p", Double, "Nucleus sampling; 1 is off", "1")
    top_k: int | None = setting("top_k", Integer, "Most likely tokens that are drawn from; null is off")
    min_p: float | None = setting("min_p", Double, "Least share of the likeliest token's probability; null is off")
    max_tokens: int | None = setting(
        "max_tokens", Integer, "Most new tokens of a sample; null where an import did not say"
    )
    stop: list[str] = setting("stop", JSONB, "Stop strings", "'[]'::jsonb")
    include_stop: bool = setting("include_stop", Boolean, "Whether a sample's text keeps the stop string", "false")
    chat: bool = setting("chat", Boolean, "Whether prompts go through the llm's chat template, else raw", "false")
    token_logprobs: bool = setting("token_logprobs", Boolean, "Whether each token's logprob is kept", "false")
    seeded: bool = setting("seeded", Boolean, "Whether each sample has a seed of its own", "false")
    seed: int = said("Root of the samples' seeds where seeded", sa_type=BigInteger)
    depth_first: bool = said("Finish a problem before the next (else all problems grow together)", default=False)
    stop_rule: dict[str, Any] = jsonb(
        "Stopping rules: when_solved, usd, gpu_hours, flops; planned, where outcomes chose who has more than n; "
        "extending_to, the n that all problems of such a run are being brought to"
    )
    reward_models: dict[str, str] = jsonb("Reward models that are to score its samples: name -> Celery queue")
    settings_hash: str = said("SHA-256 of everything a person chose: same name and same hash, same run")
    imported: bool = said("Whether its samples were made elsewhere", default=False)
    thinking: str = said(
        "How what its llm thought is split from what it answered: none, tags, end-tag or server; reverify changes it",
        default="none",
    )
    left_out: list[str] = several(
        String, "Settings that its endpoint refused and that were left out, since samples do not depend on them"
    )
    extended_at: datetime | None = moment("Last time n was raised after the start")
    created_at: datetime | None = moment("When it was enqueued", now=True)
    cancelled_at: datetime | None = moment("When it was cancelled; null again after resume")
    finished_at: datetime | None = moment("When its last work ended; null while any is open")
    stopped_by: str | None = said(
        "The stopping rule that ended it early; `unmeasured` where its budget could not be kept", default=None
    )


class Prompt(SQLModel, table=True):
    """A problem's place and prompt in a run."""

    run_id: int = of_run(primary_key=True)
    problem_id: int = ref("problem.id", primary_key=True, index=True)
    position: int = said("Place of the problem in the run, from 0")
    text: str = said("What was sent to the llm")


class Batch(SQLModel, table=True):
    """Consecutive sample indices of one problem in one run; never changes once made."""

    __table_args__ = (
        UniqueConstraint("run_id", "problem_id", "first_index"),
        ForeignKeyConstraint(["run_id", "problem_id"], ["prompt.run_id", "prompt.problem_id"], ondelete="CASCADE"),
    )
    id: int = ident()
    run_id: int = Field(sa_type=BigInteger)
    problem_id: int = Field(sa_type=BigInteger)
    first_index: int = said("The first sample index, from 0")
    size: int = said("How many samples")


class Work(SQLModel, table=True):
    """What is leased and retried: (batch, kind). Publishing goes by id."""

    __table_args__ = (
        UniqueConstraint("batch_id", "kind", "verifier_id", "reward_model", postgresql_nulls_not_distinct=True),
        Index("work_ready", "queue", "id", postgresql_where=text("state = 'ready' and not_before is null")),
        Index(
            "work_waiting", "queue", "not_before", postgresql_where=text("state = 'ready' and not_before is not null")
        ),
        Index("work_published", "queue", "published_at", postgresql_where=text("state = 'published'")),
        Index("work_leased", "lease_until", postgresql_where=text("state = 'leased'")),
        Index("work_of_run", "run_id", "kind", "state"),
        Index("work_open", "run_id", postgresql_where=text("state in ('ready', 'published', 'leased')")),
        Index("work_submitted", "submission_id", postgresql_where=text("submission_id is not null")),
        Index("work_sampled", "ended_at", postgresql_where=text("kind = 'generate' and state = 'done'")),
        Index(
            "work_refused",
            "queue",
            postgresql_where=text("state in ('ready', 'published') and last_error is not null"),
        ),
    )
    id: int = ident()
    run_id: int = of_run()
    batch_id: int = ref("batch.id", ondelete="CASCADE")
    kind: Kind = one_of(Kind, "kind", "generate, verify by one verifier, or score by one reward model")
    verifier_id: int | None = ref("verifier.id", default=None)
    reward_model: str | None = said("Of a score work", default=None)
    queue: str = said("The Celery queue its messages go to")
    state: State = one_of(State, "state", "ready, published, leased, done, failed, cancelled", server_default="ready")
    attempts: int = said("Claims so far, less those given back unharmed", default=0)
    lease_token: Any = Field(
        default=None, sa_type=Uuid, nullable=True, sa_column_kwargs={"comment": "Fences late owners"}
    )
    lease_until: datetime | None = moment("When another worker may take it")
    not_before: datetime | None = moment("Not to be tried again earlier")
    published_at: datetime | None = moment("When its last message was sent")
    last_error: str | None = said("Why the last failed attempt failed", default=None)
    ended_at: datetime | None = moment("When it was done, failed or cancelled")
    submission_id: int | None = ref(
        "submission.id",
        default=None,
        sa_column_kwargs={
            "comment": "Where its lines lie with a provider's batch API: it is ready, and asked for when due"
        },
    )
    cancelled_by: str | None = said(
        "Why it was cancelled: person, verifier (a newer one replaced its own), or the stopping rule", default=None
    )
    correct: int | None = said("Samples judged correct (of a done verify work)", default=None)
    incorrect: int | None = said("Samples judged otherwise, limits and errors of the program included", default=None)
    no_answer: int | None = said("Samples with nothing to judge", default=None)
    undecided: int | None = said("Samples whose judging failed by our fault", default=None)
    first_correct: int | None = said("Lowest sample index judged correct", default=None)


class WorkCount(SQLModel, table=True):
    """How many works a run has by queue, kind and verifier, so that nobody counts works; add what work_change holds."""

    __tablename__ = "work_count"
    __table_args__ = (UniqueConstraint("run_id", "queue", "kind", "verifier_id", postgresql_nulls_not_distinct=True),)
    id: int = ident()
    run_id: int = Field(sa_type=BigInteger)
    queue: str
    kind: Kind = one_of(Kind, "kind", "As in work")
    verifier_id: int | None = Field(default=None, sa_type=BigInteger)
    open_works: int = said("Works that are ready, published or leased", sa_type=BigInteger)
    failed_works: int = said("Works set aside", sa_type=BigInteger)
    samples: int = said("Samples of works that are done", sa_type=BigInteger)
    correct: int = said("Samples judged correct", sa_type=BigInteger)


class WorkChange(SQLModel, table=True):
    """What a statement changed of work_count: nobody waits for a row that all change. The sweeper adds it there."""

    __tablename__ = "work_change"
    id: int = ident()
    run_id: int = Field(sa_type=BigInteger)
    queue: str
    kind: Kind = one_of(Kind, "kind", "As in work")
    verifier_id: int | None = Field(default=None, sa_type=BigInteger)
    open_works: int = Field(sa_type=BigInteger)
    failed_works: int = Field(sa_type=BigInteger)
    samples: int = Field(sa_type=BigInteger)
    correct: int = Field(sa_type=BigInteger)


class Submission(SQLModel, table=True):
    """Lines of many works that lie with a provider's batch API under one name."""

    id: int = ident()
    llm_id: int = ref("llm.id", index=True)
    name: str = said("The file's name at the provider: looked up before anything is sent again", unique=True)
    lines: int = said("Samples asked for", default=0)
    file: str | None = said("The provider's id of the file, once it has it", default=None)
    batch: str | None = said("The provider's id of the batch, once it has it", default=None)
    status: str = said("made, then what the provider says: validating, in_progress, completed, ...", default="made")
    error: str | None = said("What went wrong with it as a whole", default=None)
    learned: dict[str, Any] = jsonb("Fields that its lines' refusals taught: what to call them, or null: left out")
    made_at: datetime | None = moment("When its works were chosen", now=True)
    sent_at: datetime | None = moment("When the provider was last told to begin: it may have, whatever came back")
    submitted_at: datetime | None = moment("When the provider was known to have it")
    asked_at: datetime | None = moment("When the provider was last asked for it")
    over_at: datetime | None = moment("When the provider first said that it is over")
    ended_at: datetime | None = moment("When all its lines were fetched or known to be lost")


class SubmissionLine(SQLModel, table=True):
    """A sample that a provider's batch API was asked for; gone once its work's samples are stored."""

    __tablename__ = "submission_line"
    work_id: int = ref("work.id", ondelete="CASCADE", primary_key=True)
    sample_index: int = Field(primary_key=True)
    submission_id: int = ref("submission.id", index=True)
    tries: int = said("Submissions that held it so far", default=1)
    answer: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB, comment="The provider's answer, kept until its work has all of them")
    )
    error: str | None = said("Why the provider's last try failed", default=None)


class WorkerRow(SQLModel, table=True):
    """A process that does works or sweeps, living or gone: what it last did says whether it stands still."""

    __tablename__ = "worker"
    __table_args__ = (
        CheckConstraint("state in ('starting', 'serving', 'idle', 'leaving', 'left', 'failed')", name="worker_state"),
        Index("worker_alive", "lease_until", postgresql_where=text("state not in ('left', 'failed')")),
    )
    id: int = ident()
    kind: str = said("generate, verify, score or sweep")
    name: str = said("As Celery and Flower name it")
    queues: list[str] = several(String, "The Celery queues that it serves")
    host: str
    pid: int = said("Process id on its host")
    machine: str = said("Boot and pid namespace, within which pid and started_ticks tell a process")
    started_ticks: int = said("Start of its process in clock ticks since boot", sa_type=BigInteger)
    code_version: str = said("Version of monkeys, with the commit where it is known")
    judges: dict[str, Any] = jsonb("What it can judge by: sandbox, packages, Lean, Docker")
    state: str = said("starting, serving, idle, leaving, left as it was asked to, or failed", default="starting")
    started_at: datetime | None = moment("When it began", now=True)
    last_did_at: datetime | None = moment("When it last took up or ended a work, or swept")
    lease_until: datetime | None = moment("Until when it said that it lives; past it stands still, or is lost")
    last_error: str | None = said("Why it failed, or what it waits for", default=None)


class Attempt(SQLModel, table=True):
    """One try at a work: who, where, with what, how long."""

    id: int = ident()
    work_id: int = ref("work.id", ondelete="CASCADE", index=True)
    worker: str = said("Celery's name of the worker and the process id")
    worker_id: int | None = said("The worker whose process made it", default=None, sa_type=BigInteger)
    host: str
    gpus: str = said("GPUs that its engine kept busy, by index; empty without a GPU", default="")
    engine: str | None = said("vllm, openai or replay", default=None)
    engine_version: str | None = None
    engine_seed: int | None = said("Drawn afresh by each engine process", default=None, sa_type=BigInteger)
    code_version: str = said("Version of monkeys, with the commit where it is known")
    started_at: datetime | None = moment("When the work was claimed", now=True)
    seen_at: datetime | None = moment("Last heartbeat")
    finished_at: datetime | None = moment("When it ended, well or not; null if its worker was lost")
    ok: bool | None = said("Whether it finished its work; null while it runs", default=None)
    error: str | None = None
    gpu_seconds: float = said("Its fair share of the engine's busy time x GPUs", default=0, sa_type=Double)
    cpu_seconds: float = said("CPU time of judging", default=0, sa_type=Double)
    requests: int | None = said("Requests that its engine took up; null where none is known of", default=None)
    lost_requests: int | None = said(
        "Of those, requests whose answer never came whole: what they were billed is not in the sums", default=None
    )
    prompt_tokens: int | None = said(
        "Prompt tokens, counted once for the batch; null where unknown", default=None, sa_type=BigInteger
    )
    billed_prompt_tokens: int | None = said(
        "Prompt tokens summed over its requests, as billed; null where one did not say",
        default=None,
        sa_type=BigInteger,
    )
    cached_prompt_tokens: int | None = said(
        "Of those, the tokens that the provider had in its cache; null where one did not say",
        default=None,
        sa_type=BigInteger,
    )
    completion_tokens: int | None = said(
        "New tokens of all its samples, as billed where it was; null where unknown", default=None, sa_type=BigInteger
    )
    thinking_tokens: int | None = said(
        "Of those, the tokens of what was thought; null where a request did not say", default=None, sa_type=BigInteger
    )
    truncated: int = said("Samples that ended at max_tokens", default=0)
    flops: float | None = said(
        "FLOPs of its completions; the prompt's are counted once a problem; null where unknown",
        default=None,
        sa_type=Double,
    )
    usd: float | None = said("Dollars charged by the provider, where known", default=None, sa_type=Double)
    judged: int = said("Candidates it judged", default=0)
    reused: int = said("Samples whose candidate already had a verdict", default=0)


class Sample(SQLModel, table=True):
    """One completion, at an index of a problem in a run."""

    run_id: int = Field(primary_key=True, sa_type=BigInteger)
    problem_id: int = Field(primary_key=True, sa_type=BigInteger)
    sample_index: int = Field(primary_key=True)
    attempt_id: int | None = said("The attempt that made it; null where imported", default=None, sa_type=BigInteger)
    text: str | None = said("The completion as it came; null where an import had none", default=None)
    thinking: str | None = said(
        "What was thought, where the server gave it in a field of its own; else it stands in text", default=None
    )
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thinking_tokens: int | None = said("Within completion_tokens", default=None)
    finish_reason: str | None = said("stop, length, ...", default=None)
    logprob: float | None = said("Sum of its tokens' logprobs", default=None, sa_type=Double)
    token_logprobs: list[float] | None = Field(default=None, sa_type=ARRAY(REAL))
    seed: int | None = said("Its own seed, where seeded", default=None, sa_type=BigInteger)
    usd: float | None = said("Dollars of this sample, where imported", default=None, sa_type=Double)
    gpu_seconds: float | None = said("GPU-seconds of this sample, where imported", default=None, sa_type=Double)


class CandidateRow(SQLModel, table=True):
    """What a verifier extracted (an answer, a program, a proof, a patch), once per problem."""

    __tablename__ = "candidate"
    __table_args__ = (UniqueConstraint("problem_id", "hash"),)
    id: int = ident()
    problem_id: int = ref("problem.id")
    hash: bytes = said("SHA-256 of text", sa_type=LargeBinary)
    text: str


class Extraction(SQLModel, table=True):
    """A sample's candidate by one verifier."""

    run_id: int = Field(primary_key=True, sa_type=BigInteger)
    problem_id: int = Field(primary_key=True, sa_type=BigInteger)
    sample_index: int = Field(primary_key=True)
    verifier_id: int = Field(primary_key=True, sa_type=BigInteger)
    candidate_id: int | None = Field(default=None, sa_type=BigInteger)
    how: str | None = said("Which rule found it, where the verifier has several", default=None)
    answer_from: int | None = said(
        "Characters of the sample's text before its answer: what was thought; null where thinking did not end",
        default=None,
    )


class Verdict(SQLModel, table=True):
    """A verifier's outcome for a candidate: judged once, however many samples gave it."""

    candidate_id: int = ref("candidate.id", primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    outcome: Outcome = one_of(Outcome, "outcome", "correct, incorrect, ...")
    detail: str | None = said("One line for a person", default=None)
    cpu_seconds: float = said("CPU time of judging", default=0, sa_type=Double)
    facts: dict[str, Any] = jsonb("How it was judged: isolation, limits, versions")
    created_at: datetime | None = moment("When it was judged", now=True)
    log: bytes | None = said(
        "What judging printed, zlib-compressed UTF-8; null where nothing is kept", default=None, sa_type=LargeBinary
    )


class Claim(SQLModel, table=True):
    """A candidate that takes long to judge is being judged: the claim lives as long as the lease of its work."""

    candidate_id: int = ref("candidate.id", primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    work_id: int = ref("work.id", ondelete="CASCADE", index=True)
    lease_token: Any = Field(
        sa_type=Uuid,
        sa_column_kwargs={"comment": "As in work: another one there, and this claim is dead"},
    )


class Rejudgement(SQLModel, table=True):
    """A candidate judged once more, to see whether its verifier is stable; the verdict stays the first one."""

    __table_args__ = (Index("rejudgement_of_candidate", "candidate_id", "verifier_id"),)
    id: int = ident()
    candidate_id: int = ref("candidate.id")
    verifier_id: int = ref("verifier.id")
    outcome: Outcome | None = one_of(
        Outcome, "outcome", "Null: another one than the verdict's, from before it was kept", nullable=True, default=None
    )
    detail: str | None = said("One line for a person", default=None)
    cpu_seconds: float = said("CPU time of judging", default=0, sa_type=Double)
    facts: dict[str, Any] = jsonb("How it was judged: isolation, limits, versions")
    host: str | None = said("Where", default=None)
    code_version: str | None = said("Version of monkeys, with the commit where it is known", default=None)
    created_at: datetime | None = moment("When", now=True)
    log: bytes | None = said(
        "What judging printed, zlib-compressed UTF-8; null where nothing is kept", default=None, sa_type=LargeBinary
    )


class Score(SQLModel, table=True):
    """A reward model's number for a sample."""

    run_id: int = Field(primary_key=True, sa_type=BigInteger)
    problem_id: int = Field(primary_key=True, sa_type=BigInteger)
    sample_index: int = Field(primary_key=True)
    reward_model: str = Field(primary_key=True)
    score: float = Field(sa_type=Double)
    step_scores: list[float] | None = Field(default=None, sa_type=ARRAY(REAL))


class Price(SQLModel, table=True):
    """What an llm costs at a provider, from a day on."""

    __table_args__ = (Index("price_of_llm", "llm", "tier", "since"),)
    id: int = ident()
    llm: str = said("llm.name it is for")
    provider: str
    since: datetime | None = moment("First day it holds, from midnight UTC", now=True)
    usd_per_million_input: float | None = Field(default=None, sa_type=Double)
    usd_per_million_cached_input: float | None = Field(default=None, sa_type=Double)
    usd_per_million_output: float | None = Field(default=None, sa_type=Double)
    tier: str = said("standard, or batch: what the provider's batch API costs", default="standard")
    from_time: time | None = said("UTC time of day from which it holds; null is all day", default=None)
    to_time: time | None = said("UTC time of day until which it holds", default=None)
    usd_per_attempt: float | None = said("Dollars a sample", default=None, sa_type=Double)
    usd_per_gpu_hour: float | None = Field(default=None, sa_type=Double)
    note: str | None = None


class MadeView(SQLModel, table=True):
    """Views and functions that the last migration made, so that the next one finds those it has no more."""

    __tablename__ = "made_view"
    name: str = Field(primary_key=True)
    place: int = said("In the order they were made")
