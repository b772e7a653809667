set -eum
cd "$project"
export PATH="$programs:$PATH" RAY_USAGE_STATS_ENABLED=0 SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"

# Of this job alone, so that two of them can share a node: ports, a folder for temporary files, and a word without which
# Ray lets nobody in. Whoever reaches an open port of Ray can run what they like.
port=$((10000 + SLURM_JOB_ID % 5000 * 2))
folder=/tmp/ray-$SLURM_JOB_ID
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN

mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
address=$(srun --overlap --nodes=1 --ntasks=1 --nodelist="${hosts[0]}" hostname -I | cut -d' ' -f1)
own=(--num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="$gpus" --dashboard-agent-listen-port=$((port + 1))
  --min-worker-port=0 --max-worker-port=0 --block)
started=()
run='' again=''

finish() {
  code=$?
  trap - EXIT
  trap '' USR1 TERM
  kill ${run:+"$run"} "${started[@]}" 2>/dev/null || true
  for _ in {1..60}; do # not for ever, as Slurm will not wait either
    [ -n "$(jobs -pr)" ] || break
    sleep 1
  done
  srun --overlap --nodes=${#hosts[@]} --ntasks=${#hosts[@]} rm -rf -- "$folder" || true
  [ -z "$again" ] || scontrol requeue "$SLURM_JOB_ID"
  exit "$code"
}
trap finish EXIT
trap 'again=yes; kill -INT $run 2>/dev/null || exit 1' USR1
trap 'exit 143' TERM

srun --overlap --nodes=1 --ntasks=1 --nodelist="${hosts[0]}" ray start --head --node-ip-address="$address" \
  --port="$port" --include-dashboard=false --temp-dir="$folder" "${own[@]}" &
started+=($!)
tries=30
until ray status --address="$address:$port" >/dev/null 2>&1; do
  if [ $((tries -= 1)) = 0 ] || ! kill -0 "${started[0]}" 2>/dev/null; then
    echo "Ray did not start on ${hosts[0]}; what it wrote is above." >&2
    exit 1
  fi
  sleep 2
done
if [ ${#hosts[@]} -gt 1 ]; then
  others=$((${#hosts[@]} - 1))
  srun --overlap --nodes=$others --ntasks=$others --exclude="${hosts[0]}" \
    ray start --address="$address:$port" "${own[@]}" &
  started+=($!)
fi

python -m core run --cluster "$address:$port" -- "$study" &
run=$!
code=0
wait "$run" || code=$?
while kill -0 "$run" 2>/dev/null; do # a signal ended the waiting, not the run
  code=0
  wait "$run" || code=$?
done
run=''
# A study that was done when the time was over needs no other allocation.
[ "$code" != 0 ] || again=''
exit "$code"
