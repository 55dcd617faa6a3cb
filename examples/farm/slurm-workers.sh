#!/bin/bash
# Workers of a farm as a Slurm job; each ends when it has had nothing to do for a while.
#   export FARM=engine.example:7233 FARM_KEY=$HOME/farm.key FARM_SERVER=http://server.example:8787
#   sbatch --array=1-8 examples/farm/slurm-workers.sh
# See docs/how-to/render-on-many-machines.md.
#SBATCH --job-name=nemolocal-work
#SBATCH --array=1-4
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=6G
#SBATCH --time=08:00:00
#SBATCH --output=nemolocal-work-%A-%a.log
set -euo pipefail

: "${FARM:?set FARM to HOST:PORT of the engine}"
: "${FARM_KEY:?set FARM_KEY to the key file, on a disk that all nodes see}"
: "${FARM_SERVER:?set FARM_SERVER to the URL of nemolocal serve}"

# A part is encoded with two cores.
places=$((${SLURM_CPUS_PER_TASK:-2} / 2))

# exec: the signals of Slurm reach the worker, and not a shell.
exec nemolocal work \
    --farm "$FARM" \
    --farm-key "$FARM_KEY" \
    --server "$FARM_SERVER" \
    --places "$((places > 0 ? places : 1))" \
    --idle-exit "${FARM_IDLE_SECONDS:-120}"
