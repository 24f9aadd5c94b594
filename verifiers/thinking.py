"""What an llm thought and what it answered: where in a text the answer begins, by the rule that its run goes by."""

OPENING, CLOSING = "<think>", "</think>"

RULES = {
    "none": "all of a text is answer",
    "tags": "what stands between <think> and </think> was thought",
    "end-tag": "the same where the prompt opens the thought unseen: without </think> nothing was answered",
    "server": "the server gave it in a field of its own",
}
"""Rule -> what it says, for a person."""

UNENDED = "thinking not ended"
"""What is said of a sample that has no answer since its thinking did not end."""


def answer_from(
    rule: str, text: str | None, thinking: str | None = None, prompt: str = "", finish_reason: str | None = None
) -> int | None:
    """Characters of a text before its answer: the thought, its tags and the blank lines after it; None if unended.

    `thinking` is what the server gave apart from the text, `prompt` what the text goes on from. Takes linear time.

    The answer begins after the last `</think>`. A thought that is taken up again, or that quotes the tag, is then never
    judged; with the first one it would be, and would count as solved what was only considered. The price is an
    answer that itself writes `</think>`: it is judged by what follows. Tags are not counted as brackets, since llms do
    not nest them and a thought may well speak of `<think>`.
    """
    text = text or ""
    if rule == "none":
        return 0
    if not text.strip() and (thinking or finish_reason == "length"):
        return None
    if rule == "server":
        return 0
    closing = text.rfind(CLOSING)
    start = 0 if closing < 0 else closing + len(CLOSING)
    answer = text[start:].lstrip()
    opened = closing < 0 and (rule == "end-tag" or prompt.rstrip().endswith(OPENING))
    taken_up_again = bool(start) and f"\n{OPENING}" in answer  # at a line's begin: within one it is only spoken of
    if opened or taken_up_again or answer.startswith(OPENING):
        return None
    return _first_line(text, start, len(text) - len(answer)) if start else 0


def parted(text: str, apart: str | None, start: int | None) -> tuple[str | None, str | None]:
    """What was thought, apart from a text and in it, and what was answered from `start` on; None of what is not there.

    `start` is what `answer_from` gave.
    """
    thought = "\n".join(part for part in (apart, text if start is None else text[:start]) if part)
    return thought or None, None if start is None else text[start:]


def _first_line(text: str, start: int, first: int) -> int:
    """Where the line of the first visible character begins, since its indentation may mean something."""
    line = text.rfind("\n", start, first)
    return first if line < 0 else line + 1
