# docker build .                        CPU: ONNX Runtime, no PyTorch
# docker build --target gpu .           GPU: ONNX Runtime with CUDA; CUDA's libraries come from PyPI

FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/nalu
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY app app
COPY models models
COPY training training
ARG EXTRAS=""
RUN /opt/nalu/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt ".${EXTRAS}" \
    && rm -rf /opt/nalu/lib/python*/site-packages/pip /opt/nalu/lib/python*/site-packages/pip-*

FROM build AS build-gpu
# both packages fill the same folder, so the one without CUDA has to go first
RUN python -m pip --python /opt/nalu/bin/python uninstall --yes onnxruntime \
    && python -m pip --python /opt/nalu/bin/python install --no-cache-dir --constraint constraints.txt \
       "onnxruntime-gpu[cuda,cudnn]"

FROM python:3.11-slim AS base
ENV PATH=/opt/nalu/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    NALU_HOST=0.0.0.0 \
    NALU_PORT=8000 \
    NALU_REPOSITORY=/repository \
    NALU_REPOSITORY_CACHE=/cache
WORKDIR /srv
COPY repository /repository
# for models of an object store: a new volume in its place belongs to the same user
RUN mkdir /cache && chown 10001:10001 /cache
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; from app.settings import read_settings as s; r.urlopen(f'http://127.0.0.1:{s().port}/health/ready', timeout=2)"]
CMD ["python", "-m", "app"]

FROM base AS gpu
COPY --from=build-gpu /opt/nalu /opt/nalu
ENV NALU_DEVICE=cuda

FROM base AS cpu
COPY --from=build /opt/nalu /opt/nalu
