#!/usr/bin/env bash
# Trains on one machine, a process for each GPU, or for each core where there is none. A process that dies takes the others
# with it; torchrun starts all of them again, and they go on from the newest intact checkpoint.
#
#   launch/one-node.sh --out run
#   PROCESSES=2 launch/one-node.sh --out run --bf16 --channels-last
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Standard output is said line by line with the process before it; PyTorch 1.13 needs both options under Python 3.11
exec torchrun \
  --standalone \
  --nproc_per_node="${PROCESSES:-auto}" \
  --max_restarts="${RESTARTS:-3}" \
  --redirects=1 \
  --tee=1 \
  train.py "$@"
