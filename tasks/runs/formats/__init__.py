"""Files of samples as other tools write them: one file of this folder each, joined in FORMATS."""

from tasks.runs.formats.evalplus import EVALPLUS
from tasks.runs.formats.format import Format
from tasks.runs.formats.inspect import INSPECT
from tasks.runs.formats.lighteval import LIGHTEVAL
from tasks.runs.formats.lm_eval import LM_EVAL
from tasks.runs.formats.nemo_skills import NEMO_SKILLS
from tasks.runs.formats.paper import PAPER
from tasks.runs.formats.swebench import SWEBENCH

FORMATS: dict[str, Format] = {
    "nemo-skills": NEMO_SKILLS,
    "lm-eval": LM_EVAL,
    "inspect": INSPECT,
    "lighteval": LIGHTEVAL,
    "evalplus": EVALPLUS,
    "paper": PAPER,
    "swebench": SWEBENCH,
}

__all__ = ["FORMATS", "Format"]
