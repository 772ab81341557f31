# One image for everything basisbot does: simulators, bot, command line.
#   docker build -t basisbot .
#   docker run --rm basisbot demo --auto-approve
# Every package comes from requirements.lock, its hash verified; only the wheel goes into the final image.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY requirements-uv.lock requirements.lock ./
RUN python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements-uv.lock \
    && /opt/build/bin/uv pip install --no-cache --python /opt/build/bin/python --constraint requirements.lock hatchling
COPY pyproject.toml README.md ./
COPY risk risk
COPY adapters adapters
COPY config config
COPY bot bot
RUN /opt/build/bin/python -m hatchling build --target wheel \
    && python -m venv --without-pip /opt/basisbot \
    && /opt/build/bin/uv pip install --no-cache --python /opt/basisbot/bin/python --compile-bytecode \
        --constraint requirements.lock dist/*.whl

FROM ${BASE}
RUN useradd --system --uid 10001 --create-home basisbot \
    && install -d -o basisbot -g basisbot -m 700 /var/lib/basisbot
COPY --from=build /opt/basisbot /opt/basisbot
ENV PATH=/opt/basisbot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BASISBOT_HOME=/var/lib/basisbot
USER 10001
WORKDIR /var/lib/basisbot
VOLUME /var/lib/basisbot
ENTRYPOINT ["basisbot"]
CMD ["--help"]
