#!/usr/bin/env bash
# Writes deploy/compose/.env with new random secrets; never over one that is there.
set -euo pipefail
cd "$(dirname "$0")"
target=${1:-.env}
[ ! -e "$target" ] || { echo "$target is there already; its secrets are in use." >&2; exit 1; }
random() { head -c "$1" /dev/urandom | od -An -tx1 | tr -d ' \n'; }
umask 077
sed -e "s|^POSTGRES_PASSWORD=$|&$(random 24)|" \
    -e "s|^MINIO_ROOT_USER=$|&root-$(random 6)|" \
    -e "s|^MINIO_ROOT_PASSWORD=$|&$(random 24)|" \
    -e "s|^BLOBS_ACCESS_KEY_ID=$|&blobs-$(random 6)|" \
    -e "s|^BLOBS_SECRET_ACCESS_KEY=$|&$(random 24)|" \
    -e "s|^KAFKA_CLUSTER_ID=$|&$(head -c 16 /dev/urandom | base64 | tr '+/' 'aZ' | tr -d '=\n')|" \
    env.example > "$target"
echo "wrote deploy/compose/$target; keep it as you keep the data" >&2
