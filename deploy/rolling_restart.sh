#!/bin/sh
# The version that is checked out, without a refused webhook: build, migrate, one web process after the other, workers.
set -eu
cd "$(dirname "$0")"
docker compose build
docker compose run --rm migrate
for web in $(docker compose config --services | grep '^web-'); do
    # The old one drains while the others serve; the new one is waited for before the next goes.
    docker compose up --detach --no-deps --wait "$web"
done
docker compose up --detach --no-deps worker
