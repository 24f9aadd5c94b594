# Everything but the llm's own GPU libraries: --build-arg EXTRA=gpu adds vLLM. --build-arg COMMIT=$(git describe --always
# --dirty --abbrev=12) is stored with each attempt as the code that made it: there is no git in here.
FROM python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap libnuma1 g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/monkeys
COPY pyproject.toml README.md ./
COPY cli cli
COPY migrations migrations
COPY models models
COPY tasks tasks
COPY verifiers verifiers
ARG EXTRA=
RUN pip install --no-cache-dir ".${EXTRA:+[$EXTRA]}" && python -m verifiers.programs.install
RUN useradd --create-home monkeys
USER monkeys
# a volume mounted here takes its owner from this folder
RUN mkdir -p /home/monkeys/.cache/huggingface
WORKDIR /home/monkeys
ARG COMMIT=
ENV MONKEYS_COMMIT=$COMMIT
ENTRYPOINT ["monkeys"]
