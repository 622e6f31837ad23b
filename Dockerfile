# The service, without torch: any `synthstream` command, the demo by default.
FROM python:3.11.13-slim-bookworm AS build
RUN python -m venv /opt/synthstream
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY generators generators
COPY monitors monitors
COPY connectors connectors
COPY stream_app stream_app
RUN /opt/synthstream/bin/pip install --no-cache-dir --disable-pip-version-check '.[demo]'

FROM python:3.11.13-slim-bookworm
# Streams and their artifacts live in /streams; compiled kernels are kept in /var/cache/synthstream.
RUN useradd --system --uid 10001 --home-dir /var/cache/synthstream --create-home synthstream \
    && install --directory --owner synthstream /streams
COPY --from=build /opt/synthstream /opt/synthstream
ENV PATH=/opt/synthstream/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/cache/synthstream/numba
USER synthstream
WORKDIR /streams
# The page (with /metrics, /healthz, /readyz) and a publisher's own metrics.
EXPOSE 8080 9464
ENTRYPOINT ["synthstream"]
CMD ["demo"]
