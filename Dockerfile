# One image; the role is the subcommand: serve, listen, deliver, run, migrate, doctor, owners.

FROM python:3.13-slim-bookworm AS build
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --no-install-project
COPY hub hub
COPY schema schema
COPY resolvers resolvers
COPY cdc cdc
COPY sync sync
# The cache may hold our own wheel of earlier sources, which uv takes while pyproject.toml is the same.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --no-editable --refresh-package concord

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin concord
COPY --from=build /build/.venv /build/.venv
ENV PATH=/build/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
# `serve` and `run` answer at the port that CONCORD_PORT names. The other roles answer nowhere: disable it for them.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('CONCORD_PORT', '8000')}/livez\", timeout=2)"]
ENTRYPOINT ["concord"]
CMD ["run"]
