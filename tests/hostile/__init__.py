"""Programs that attack the sandbox or the grader, each with the outcomes that are right for it."""
