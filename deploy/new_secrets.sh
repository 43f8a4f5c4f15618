#!/bin/sh
# Makes the passwords and the sealing key of compose.yaml in deploy/secrets/. What exists already is kept.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

# Readable within a folder that only its owner can enter: the containers' users are not the owner.
keep() {
    [ -e "secrets/$1" ] && return
    printf '%s\n' "$2" >"secrets/$1.new"
    chmod 0444 "secrets/$1.new"
    mv "secrets/$1.new" "secrets/$1"
}
password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

keep postgres_password "$(password)"
keep redis_password "$(password)"
keep PORTAL_METRICS_TOKEN "$(password)"
keep PORTAL_SECRET_KEYS "k1:$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
keep PORTAL_DATABASE_URL "postgresql://postgres:$(cat secrets/postgres_password)@postgres:5432/portal"
keep PORTAL_REDIS_URL "redis://:$(cat secrets/redis_password)@redis:6379/0"
[ -e secrets/PORTAL_TWILIO_AUTH_TOKEN ] || echo 'Still to write: deploy/secrets/PORTAL_TWILIO_AUTH_TOKEN, mode 0444.'
echo 'Keep a copy of deploy/secrets/PORTAL_SECRET_KEYS apart from the backups: without it a backup opens nothing.'
