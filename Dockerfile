# Retrigger, as every role of compose.yaml runs it: the command says which (`up`, `worker`, `bot`, `api`, `db upgrade`).

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/server.txt requirements/
RUN python -m venv /opt/retrigger \
    && /opt/retrigger/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/server.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot/ bot/
COPY engine/ engine/
COPY storage/ storage/
COPY retrigger/ retrigger/
RUN /opt/retrigger/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/retrigger --create-home retrigger
COPY --from=build /opt/retrigger /opt/retrigger
ENV PATH=/opt/retrigger/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RETRIGGER_CONFIG=/etc/retrigger/retrigger.yaml
# Where a SQLite file goes, and nothing else: `database_url: sqlite:////var/lib/retrigger/retrigger.db`.
WORKDIR /var/lib/retrigger
USER 10001
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["retrigger"]
CMD ["up"]
