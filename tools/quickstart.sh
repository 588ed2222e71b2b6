#!/bin/bash
# From a fresh machine to a prediction over REST: installs, builds, starts the engine, makes a data set, trains through a
# submitted job, deploys, predicts. Run again it reuses what is there and takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }

say "1. What Headrace needs"
tools/install_dependencies.sh build
say "2. Building"
log=build/quickstart-build.log
if ! { [ -e build/build.ninja ] || cmake --preset release -DHEADRACE_BUILD_TESTS=OFF; } >"$log" 2>&1 ||
  ! cmake --build build -j "$(nproc)" --target headrace_executable headrace_python >>"$log" 2>&1; then
  tail -40 "$log" >&2
  echo "The build failed; the whole log is $log" >&2
  exit 1
fi

eval "$(build/bin/headrace env)"
if ! command -v bwrap >/dev/null || ! bwrap --ro-bind / / --unshare-pid true 2>/dev/null; then
  echo "Note: this kernel does not allow bubblewrap's sandbox, so jobs run as plain processes of yours, not sealed off." >&2
fi

say "3. Starting the engine"
headrace start
gcloud config set project "${HEADRACE_QUICKSTART_PROJECT:-quickstart}"
gcloud config set compute/region us-central1
project=$(gcloud config get-value project)

say "4. A data set: 20,000 taxi rides"
bucket=quickstart-taxi
data=build/quickstart-data
[ -e $data/taxi-test.csv ] || headrace sample-data taxifare $data --rows 20000 --seed 1
gcloud storage buckets describe gs://$bucket >/dev/null 2>&1 || gcloud storage buckets create gs://$bucket
gcloud storage cp $data/*.csv gs://$bucket/data/
gcloud storage ls gs://$bucket/data/

say "5. Training, as a job"
job=taxifare_$(date +%Y%m%d_%H%M%S)_$$
gcloud ai-platform jobs submit training "$job" --region us-central1 --module-name trainer.task \
  --package-path examples/taxifare/trainer --staging-bucket gs://$bucket --job-dir gs://$bucket/jobs/"$job" \
  --scale-tier BASIC --runtime-version 1.15 --python-version 3.7 --stream-logs -- \
  --train_data_paths "gs://$bucket/data/taxi-train*" --eval_data_paths "gs://$bucket/data/taxi-valid*" \
  --output_dir gs://$bucket/models/"$job" --train_steps 2000

say "6. Deploying the model"
export_dir=$(gcloud storage ls gs://$bucket/models/"$job"/export/exporter/ | tail -1)
gcloud ai-platform models describe taxifare >/dev/null 2>&1 ||
  gcloud ai-platform models create taxifare --regions us-central1
version=v_$(date +%Y%m%d_%H%M%S)_$$
gcloud ai-platform versions create "$version" --model taxifare --origin "$export_dir" --runtime-version 1.15
gcloud ai-platform versions set-default "$version" --model taxifare >/dev/null

say "7. One prediction over REST: from LaGuardia to the East Village with two passengers"
url=$(headrace status --format='value(url)')
curl --silent --show-error --fail-with-body \
  -H "Authorization: Bearer $(gcloud auth print-access-token)" -H 'Content-Type: application/json' \
  -d "{\"instances\": [$(cat examples/taxifare/test.json)]}" "$url/v1/projects/$project/models/taxifare:predict"

cat >&2 <<NEXT


That was the whole path. To look around:
  eval "\$(build/bin/headrace env)"                     a shell in which headrace, gcloud, gsutil and tensorflow are ours
  gcloud ai-platform jobs stream-logs $job
  gcloud ai-platform jobs list
  gcloud storage ls --recursive gs://$bucket
  $root/examples/taxifare/trainer/model.py              the trainer; examples/cpp/taxifare is the same in C++
  $root/docs/architecture.md                            how it works inside
  headrace stop                                         ends the engine
NEXT
