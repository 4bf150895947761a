# The runtime alone: onnxruntime, numpy, toolkit.runtime and one bundle. docs/image.md says how to
# use it; scripts/build-image builds and checks all targets.
#
#   docker build -t toolkit .                          on a slim Python image
#   docker build -t toolkit:small --target small .     the same FROM scratch
#   docker build -t toolkit:serve --target serve .     the first with a service on top: docs/serve.md
#   --build-arg BUNDLE=models/NAME                     with another bundle
#   --build-arg PUBLIC_KEY="$(cat PUBKEY)"             running only what that key has signed
#   --build-arg PYTHON_IMAGE=IMAGE                     on another base
#
# The default base has a stage of its own because Dependabot reads FROM and not ARG.
ARG PYTHON_IMAGE=python
FROM python:3.12.14-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254 AS python

# What is installed of third parties, trimmed and byte-compiled.
FROM ${PYTHON_IMAGE} AS site
COPY scripts/image/requirements.txt scripts/image/install.py /build/
# Where the host reaches its package index through settings or certificates of its own, they come in
# as secrets and stay out of every layer.
RUN --mount=type=secret,id=pip-config --mount=type=secret,id=pip-cert \
    python3 /build/install.py /build/requirements.txt /opt/site

# The package's own part and the bundle; a bundle that fails its own check stops the build.
FROM site AS app
ARG BUNDLE=models/california-linear
ARG PUBLIC_KEY=
COPY scripts/image/seal.py scripts/image/closure.py /build/
COPY toolkit/__init__.py toolkit/errors.py toolkit/metrics.py toolkit/precision.py /opt/app/toolkit/
COPY toolkit/runtime/ /opt/app/toolkit/runtime/
COPY ${BUNDLE}/ /model/
ENV PYTHONPATH=/opt/app:/opt/site
RUN if [ -n "${PUBLIC_KEY}" ]; then printf '%s\n' "${PUBLIC_KEY}" > /opt/app/public-key.pem; fi \
    && chmod -R a+rX /opt/app /model \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/app \
    && TOOLKIT_REQUIRE_SIGNATURE=${PUBLIC_KEY:+/opt/app/public-key.pem} \
    python3 -m toolkit.runtime verify /model

# The root file system of the small image: interpreter, standard library and the shared libraries
# that they and the packages name.
FROM app AS rootfs
RUN python3 /build/closure.py /rootfs /opt/app /opt/site /model

FROM scratch AS small
COPY --from=rootfs /rootfs/ /
ARG PUBLIC_KEY=
ENV PATH=/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/app:/opt/site \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    OPENBLAS_NUM_THREADS=1 \
    TOOLKIT_BUNDLE=/model \
    TOOLKIT_REQUIRE_SIGNATURE=${PUBLIC_KEY:+/opt/app/public-key.pem}
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="toolkit runtime, small" \
      org.opencontainers.image.description="Predicts with a toolkit bundle: onnxruntime and numpy, FROM scratch" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
USER 10001:10001
HEALTHCHECK --interval=60s --timeout=30s --start-period=5s --retries=1 \
    CMD ["python3", "-m", "toolkit.runtime", "verify"]
ENTRYPOINT ["python3", "-m", "toolkit.runtime"]
CMD ["replay"]

FROM ${PYTHON_IMAGE} AS runtime
COPY --from=site /opt/site/ /opt/site/
COPY --from=app /opt/app/ /opt/app/
COPY --from=app /model/ /model/
ENV PYTHONPATH=/opt/app:/opt/site \
    PYTHONSAFEPATH=1
# Takes pip away and compiles what the runtime imports of the standard library.
RUN --mount=type=bind,from=app,source=/build,target=/build python3 /build/seal.py
ARG PUBLIC_KEY=
ENV PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    OPENBLAS_NUM_THREADS=1 \
    TOOLKIT_BUNDLE=/model \
    TOOLKIT_REQUIRE_SIGNATURE=${PUBLIC_KEY:+/opt/app/public-key.pem}
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="toolkit runtime" \
      org.opencontainers.image.description="Predicts with a toolkit bundle: onnxruntime and numpy, nothing else" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
USER 10001:10001
HEALTHCHECK --interval=60s --timeout=30s --start-period=5s --retries=1 \
    CMD ["python3", "-m", "toolkit.runtime", "verify"]
ENTRYPOINT ["python3", "-m", "toolkit.runtime"]
CMD ["replay"]

# What the service adds: uvicorn with its parser, and toolkit/serve.
FROM ${PYTHON_IMAGE} AS service
COPY scripts/image/serve/requirements.txt scripts/image/serve/seal.py scripts/image/install.py /build/
RUN --mount=type=secret,id=pip-config --mount=type=secret,id=pip-cert \
    python3 /build/install.py /build/requirements.txt /opt/service
COPY toolkit/serve/ /opt/app/toolkit/serve/
RUN chmod -R a+rX /opt/app \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/app

FROM runtime AS serve
COPY --from=service /opt/service/ /opt/service/
COPY --from=service /opt/app/ /opt/app/
ENV PYTHONPATH=/opt/app:/opt/site:/opt/service \
    TOOLKIT_PORT=8080
# Bytecode is written by root alone; nothing else in this target runs so.
# hadolint ignore=DL3002
USER 0:0
RUN --mount=type=bind,from=service,source=/build,target=/build python3 /build/seal.py
LABEL org.opencontainers.image.title="toolkit service" \
      org.opencontainers.image.description="Serves a toolkit bundle: the Open Inference Protocol on uvicorn"
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=3 \
    CMD ["python3", "-m", "toolkit.serve.ready"]
ENTRYPOINT ["python3", "-m", "toolkit.serve"]
CMD ["--host", "0.0.0.0"]

# The last stage is what is built where no target is named: the runtime, without a layer more.
FROM runtime AS plain
