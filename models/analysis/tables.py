"""The tables of `analyze`: what SQL cannot compute of a run, by verifier; views read them and say what is stale."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Double
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.columns import jsonb, moment, of_run, ref, said


class Analysis(SQLModel, table=True):
    """When a run's computed tables were made, and from how many samples."""

    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    samples: int = said("Decided samples it was computed from; another number now: stale", sa_type=BigInteger)
    computed_at: datetime | None = moment("When", now=True)


class AnalysisPrecision(SQLModel, table=True):
    """Computed by analyze: how often a selector picks a right sample of k; read it through precision_at_k."""

    __tablename__ = "analysis_precision"
    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    selector: str = Field(primary_key=True)
    reward_model: str = Field(primary_key=True, default="")
    k: int = Field(primary_key=True)
    success_rate: float = Field(sa_type=Double)
    coverage: float | None = Field(default=None, sa_type=Double)
    stderr: float | None = Field(default=None, sa_type=Double)
    simulation_stderr: float = said("The part of stderr that a simulation adds; 0 where exact", sa_type=Double)
    exact: bool
    low: float | None = said(
        "Lower end of the 95 % interval of success_rate; null where analysed before", default=None, sa_type=Double
    )
    high: float | None = said(
        "Upper end of the 95 % interval of success_rate; null where analysed before", default=None, sa_type=Double
    )
    gap_low: float | None = said(
        "Lower end of the 95 % interval of coverage less success_rate; null where analysed before",
        default=None,
        sa_type=Double,
    )
    gap_high: float | None = said("Upper end of it; null where analysed before", default=None, sa_type=Double)
    flag: str | None = said("What was done to the scores or how they were weighed, where one must know", default=None)


class AnalysisReliability(SQLModel, table=True):
    """Computed by analyze: other measures of a run's samples; read it through reliability."""

    __tablename__ = "analysis_reliability"
    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    measure: str = Field(primary_key=True)
    reward_model: str = Field(primary_key=True, default="")
    k: int = Field(primary_key=True)
    share: float = said("Of the k samples, where the measure asks for one; else 0", primary_key=True, sa_type=Double)
    value: float = Field(sa_type=Double)
    stderr: float | None = Field(default=None, sa_type=Double)
    low: float | None = Field(default=None, sa_type=Double)
    high: float | None = Field(default=None, sa_type=Double)


class AnalysisStopping(SQLModel, table=True):
    """Computed by analyze: majority votes that stop when they are sure; read it through adaptive_consistency."""

    __tablename__ = "analysis_stopping"
    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    k: int = said("Samples that a problem is given at most", primary_key=True)
    sure: float = said("The chance at which it stops", sa_type=Double)
    samples: float = said("Samples paid a problem, in the mean", sa_type=Double)
    samples_stderr: float | None = Field(default=None, sa_type=Double)
    success_rate: float = Field(sa_type=Double)
    stderr: float | None = Field(default=None, sa_type=Double)
    simulation_stderr: float = said("The part of stderr that the simulation adds", sa_type=Double)


class AnalysisConfusion(SQLModel, table=True):
    """Computed by analyze: how two verifiers judged the same samples; read it through problem_confusion."""

    __tablename__ = "analysis_confusion"
    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    other_verifier_id: int = ref(
        "verifier.id", primary_key=True, sa_column_kwargs={"comment": "The larger id of the two"}
    )
    problem_id: int = ref("problem.id", primary_key=True)
    both_accept: int = said("Samples that both accept", sa_type=BigInteger)
    only_first: int = said("Samples that only verifier_id accepts", sa_type=BigInteger)
    only_other: int = said("Samples that only other_verifier_id accepts", sa_type=BigInteger)
    neither: int = said("Samples that none of them accepts", sa_type=BigInteger)
    undecided: int = said("Samples that one of them judged neither way", sa_type=BigInteger)
    decided: int = said("Samples that verifier_id had decided then", sa_type=BigInteger)
    other_decided: int = said("Samples that other_verifier_id had decided then", sa_type=BigInteger)


class AnalysisFit(SQLModel, table=True):
    """Computed by analyze: a curve fitted to coverage; read it through coverage_fit."""

    __tablename__ = "analysis_fit"
    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    family: str = Field(primary_key=True)
    parameters: dict[str, Any] = jsonb("Fitted parameters by name")
    parameters_low: dict[str, Any] | None = said("Lower ends of their 95 % intervals", default=None, sa_type=JSONB)
    parameters_high: dict[str, Any] | None = said("Upper ends of them", default=None, sa_type=JSONB)
    error: float | None = said("Mean absolute error over the fitted points", default=None, sa_type=Double)
    flag: str | None = said("Why the fit means little or nothing", default=None)


class AnalysisForecast(SQLModel, table=True):
    """Computed by analyze: coverage at larger k; read it through forecast."""

    __tablename__ = "analysis_forecast"
    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    family: str = Field(primary_key=True)
    k: int = Field(primary_key=True, sa_type=BigInteger)
    coverage: float = Field(sa_type=Double)
    low: float | None = Field(default=None, sa_type=Double)
    high: float | None = Field(default=None, sa_type=Double)
    flag: str | None = said("That the data refute the law, or what other laws say", default=None)


class AnalysisDiversity(SQLModel, table=True):
    """Computed by analyze: how many distinct candidates k samples of a problem give; read it through diversity."""

    __tablename__ = "analysis_diversity"
    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    problem_id: int = ref("problem.id", primary_key=True)
    k: int = Field(primary_key=True)
    expected_distinct_candidates: float = Field(sa_type=Double)
    duplicate_share: float | None = Field(default=None, sa_type=Double)
    truncated_share: float | None = Field(default=None, sa_type=Double)
    unended_share: float | None = Field(default=None, sa_type=Double)


class AnalysisBand(SQLModel, table=True):
    """Computed by analyze: bands of coverage of these very problems; read them through coverage_band."""

    __tablename__ = "analysis_band"
    run_id: int = of_run(primary_key=True)
    verifier_id: int = ref("verifier.id", primary_key=True)
    method: str = said("these_problems or posterior", primary_key=True)
    k: int = Field(primary_key=True)
    coverage: float = Field(sa_type=Double)
    low: float = Field(sa_type=Double)
    high: float = Field(sa_type=Double)
