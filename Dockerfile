# An image for training jobs and endpoints on Amazon SageMaker: docs/sagemaker.md, "The image".
#
#   docker build --tag fitwell .
#
# PYTHON_IMAGE takes a digest too: python:3.11.15-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm

# Sources and build tools stay in this stage.
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY constraints.txt LICENSE pyproject.toml README.md ./
# Installed here, and the wheel built without isolation: constraints do not reach an isolated build.
RUN python -m pip install --no-cache-dir --constraint constraints.txt hatchling
COPY src src
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM ${PYTHON_IMAGE} AS installed
# The index of PyTorch has the build without several gigabytes of CUDA. Empty means that of pip.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /opt/fitwell
COPY constraints.txt ./
RUN python -m pip install --no-cache-dir --constraint constraints.txt \
      ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch
COPY --from=build /wheels ./
RUN set -- fitwell-*.whl \
 && python -m pip install --no-cache-dir --constraint constraints.txt "./$1[sagemaker]"
# Lines of the log arrive when they are written. fitwell computes on one thread per worker and has
# a worker per core: without the limit each worker would open as many threads again.
ENV PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1
# fitwell-sagemaker serve listens where SAGEMAKER_BIND_TO_PORT says: an inference pipeline asks for it.
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true
EXPOSE 8080
# No HEALTHCHECK: SageMaker asks /ping itself, and a training job answers none.
# In exec form, so that SIGTERM reaches Python and no shell.
ENTRYPOINT ["fitwell-sagemaker"]

# For everywhere but SageMaker: docker build --target unprivileged
FROM installed AS unprivileged
RUN groupadd --gid 10001 fitwell \
 && useradd --gid 10001 --uid 10001 --create-home fitwell \
 && install --directory --owner=fitwell --group=fitwell /opt/ml
USER 10001:10001

# SageMaker mounts /opt/ml, and its developer guide says of all containers: "Create your container so
# that it uses only root users" (custom inference code with hosting services). Whoever else runs the
# image has the stage above. This one is the last, so that a plain build makes it.
FROM installed AS sagemaker
# hadolint ignore=DL3002
USER 0:0
