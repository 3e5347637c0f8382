# Target `train`: SFT and CASPO on verl, for GPUs; weights, data and runs are mounted, and nothing is downloaded at start.
#   docker build --target train -t ood-mmsafe-train .
#   docker run --gpus all --shm-size 16g -v /srv/runs:/data ood-mmsafe-train curator caspo train /data/run.yaml
FROM python:3.12-slim AS train

ENV CURATOR_HOME=/data \
    HF_HUB_OFFLINE=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY curator_app curator_app
COPY pipeline pipeline
COPY judge judge
COPY caspo caspo
COPY storage storage
COPY endpoints endpoints
# EXTRAS=models,dpo makes the image for DPO, which does not go beside verl. vLLM samples in RL, and SFT does without it.
ARG EXTRAS=models,verl
ARG VLLM=vllm==0.24.0
# hadolint ignore=DL3013
RUN pip install ".[${EXTRAS}]" ${VLLM} \
    && useradd --create-home --uid 10001 curator \
    && mkdir /data \
    && chown curator:curator /data

USER 10001
VOLUME /data
CMD ["curator", "caspo", "--help"]

# Target `app`, which a build without --target makes: the server for annotators and maintainers; no model library is installed.
#   docker build --target app -t ood-mmsafe-curator .
#   docker run -p 7860:7860 -v curator-data:/data ood-mmsafe-curator
FROM python:3.12-slim AS app

ENV CURATOR_HOME=/data \
    GRADIO_ANALYTICS_ENABLED=False \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY curator_app curator_app
COPY pipeline pipeline
COPY judge judge
COPY caspo caspo
COPY storage storage
COPY endpoints endpoints
RUN pip install . \
    && useradd --create-home --uid 10001 curator \
    && mkdir /data \
    && chown curator:curator /data

USER 10001
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/readyz', timeout=4)"]
CMD ["curator", "serve", "--host", "0.0.0.0", "--port", "7860"]
