#!/bin/sh
# Builds the image from this checkout. Arguments go to `docker buildx build`, for instance
#   hub_config/image/build.sh --tag mlws --build-arg BASE_IMAGE=debian:trixie-slim
# MLWS_WHEEL names a wheel that is built already; without it `make dist` builds one.
set -eu
root="$(cd "$(dirname "$0")/../.." && pwd)"
context="$(mktemp -d)"
trap 'rm -rf "$context"' EXIT
mkdir -p "$context/dist" "$context/hub_config"
if [ -z "${MLWS_WHEEL:-}" ]; then
  make -C "$root" dist
  MLWS_WHEEL="$(ls "$root"/dist/*.whl)"
fi
cp "$MLWS_WHEEL" "$context/dist/"
cp -R "$root/requirements" "$context/requirements"
cp -R "$root/hub_config/image" "$context/hub_config/image"
docker buildx build --load --file "$context/hub_config/image/Dockerfile" "$@" "$context"
