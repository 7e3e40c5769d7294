#!/usr/bin/env bash
# Trains on several machines: run this on each, with the same HEAD, one of them, and a folder for --out that all can reach.
# With NODES as a range the job is elastic: machines may join and leave, and training goes on with those that are there.
#
#   HEAD=node-1:29400 NODES=2 launch/several-nodes.sh --out /shared/run
#   HEAD=node-1:29400 NODES=1:4 launch/several-nodes.sh --out /shared/run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Standard output is said line by line with the process before it; PyTorch 1.13 needs both options under Python 3.11
exec torchrun \
  --nnodes="${NODES:?how many machines, such as 2 or 1:4}" \
  --nproc_per_node="${PROCESSES:-auto}" \
  --rdzv_backend=c10d \
  --rdzv_endpoint="${HEAD:?host:port of one of the machines}" \
  --rdzv_id="${JOB:-train}" \
  --max_restarts="${RESTARTS:-3}" \
  --redirects=1 \
  --tee=1 \
  train.py "$@"
