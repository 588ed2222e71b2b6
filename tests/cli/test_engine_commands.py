"""Commands that speak to the engine: its life, buckets and objects, jobs, models that fail."""

from __future__ import annotations

import json
import os
import time

import pytest


@pytest.fixture(scope="module")
def bucket(engine):
    engine("gcloud storage buckets create gs://cli-bucket --location=us-central1")
    for index in range(3):
        (engine.directory / f"rides-{index}.csv").write_text(f"{index},a\n" * (index + 1))
    engine("gsutil -m cp rides-*.csv gs://cli-bucket/data/")
    return engine


def test_the_engine_starts_by_itself_and_stops(shell):
    shell("headrace stop")
    assert shell.run("headrace status", check=False).returncode == 3
    token = shell("gcloud auth print-access-token").strip()
    assert token and token == shell("gcloud auth application-default print-access-token").strip()
    status = json.loads(shell("headrace status --format=json"))
    assert status["state"] == "RUNNING" and status["url"].startswith("http://127.0.0.1:")
    shell("headrace stop")
    assert json.loads(shell.run("headrace status --format=json", check=False).stdout)["state"] == "STOPPED"


def test_buckets_are_listed_described_and_refused_twice(bucket):
    assert "gs://cli-bucket/\n" in bucket("gcloud storage ls")
    assert "gs://cli-bucket/\n" in bucket("gsutil ls")
    assert (
        json.loads(bucket("gcloud storage buckets describe gs://cli-bucket --format=json"))["location"] == "US-CENTRAL1"
    )
    assert bucket("gcloud storage buckets list --format='value(name)' --filter=name=cli-bucket") == "cli-bucket\n"
    again = bucket.run("gsutil mb gs://cli-bucket", check=False)
    assert again.returncode == 1 and "ALREADY_EXISTS" in again.stderr


def test_objects_are_listed_by_wildcard_and_prefix(bucket):
    assert bucket("gcloud storage ls gs://cli-bucket") == "gs://cli-bucket/data/\n"
    names = [f"gs://cli-bucket/data/rides-{index}.csv" for index in range(3)]
    assert bucket("gcloud storage ls gs://cli-bucket/data").split() == names
    assert bucket("gsutil ls 'gs://cli-bucket/data/rides-[12].csv'").split() == names[1:]
    assert bucket("gsutil ls 'gs://cli-bucket/**'").split() == names
    assert bucket("gsutil ls -r gs://cli-bucket").split("\n")[0] == "gs://cli-bucket/:"
    details = bucket("gsutil ls -l gs://cli-bucket/data/rides-2.csv").splitlines()
    assert details[0].split()[0] == "12" and details[1] == "TOTAL: 1 objects, 12 bytes (12 B)"
    assert bucket("gcloud storage cat 'gs://cli-bucket/data/rides-[01].csv'") == "0,a\n1,a\n1,a\n"
    assert bucket("gsutil cat -r 2-3 gs://cli-bucket/data/rides-0.csv") == "a\n"
    assert bucket("gsutil du -s gs://cli-bucket").split() == ["24", "gs://cli-bucket"]
    assert "Content-Length:     4" in bucket("gsutil stat gs://cli-bucket/data/rides-0.csv")
    absent = bucket.run("gcloud storage ls gs://cli-bucket/none", check=False)
    assert absent.returncode == 1 and "matched no objects" in absent.stderr


def test_copies_go_up_down_across_and_by_tree(bucket):
    bucket("mkdir -p tree/sub && echo one > tree/a.txt && echo two > tree/sub/b.txt")
    bucket("gcloud storage cp --recursive tree gs://cli-bucket/new")
    assert bucket("gsutil ls 'gs://cli-bucket/new/**'").split() == [
        "gs://cli-bucket/new/a.txt",
        "gs://cli-bucket/new/sub/b.txt",
    ]
    bucket("gsutil cp -r tree gs://cli-bucket/new")  # now it exists: the tree goes into it
    assert "gs://cli-bucket/new/tree/sub/b.txt" in bucket("gsutil ls 'gs://cli-bucket/new/**'")
    bucket("gcloud storage cp gs://cli-bucket/new/a.txt gs://cli-bucket/copy.txt && mkdir -p down")
    bucket(
        "gcloud storage cp -r gs://cli-bucket/new/tree down && gcloud storage cp gs://cli-bucket/copy.txt renamed.txt"
    )
    assert (bucket.directory / "down/tree/sub/b.txt").read_text() == "two\n"
    assert (bucket.directory / "renamed.txt").read_text() == "one\n"
    bucket("gcloud storage mv gs://cli-bucket/copy.txt gs://cli-bucket/moved.txt")
    assert bucket("gsutil cp gs://cli-bucket/moved.txt -") == "one\n"
    assert bucket.run("gsutil stat gs://cli-bucket/copy.txt", check=False).returncode == 1
    bucket("echo piped | gsutil cp - gs://cli-bucket/piped.txt")
    assert bucket("gcloud storage cat gs://cli-bucket/piped.txt") == "piped\n"
    bucket(
        "gcloud storage rm --recursive gs://cli-bucket/new && gsutil rm gs://cli-bucket/moved.txt gs://cli-bucket/piped.txt"
    )
    assert bucket("gcloud storage ls gs://cli-bucket") == "gs://cli-bucket/data/\n"


def test_rsync_copies_what_differs_and_deletes_on_request(bucket):
    bucket("mkdir -p sync/s && echo 1 > sync/a && echo 2 > sync/s/b && gsutil -m rsync -r sync gs://cli-bucket/sync")
    bucket("echo 3 > sync/a && rm sync/s/b")
    assert bucket("gsutil rsync -r -d -n sync gs://cli-bucket/sync").splitlines() == [
        "Would copy sync/a to gs://cli-bucket/sync/a",
        "Would remove gs://cli-bucket/sync/s/b",
    ]
    bucket("gsutil rsync -r -d sync gs://cli-bucket/sync")
    assert bucket("gsutil cat gs://cli-bucket/sync/a") == "3\n"
    assert bucket("gsutil rsync -r -d -n sync gs://cli-bucket/sync") == ""
    bucket("gsutil rm -r gs://cli-bucket/sync")


def test_failures_say_what_was_missing_and_go_on_when_told(bucket):
    missing = bucket.run("gcloud storage cp absent.csv gs://cli-bucket/", check=False)
    assert missing.returncode == 1 and "absent.csv" in missing.stderr
    both = bucket.run("gcloud storage cp --continue-on-error absent.csv rides-0.csv gs://cli-bucket/some/", check=False)
    assert both.returncode == 1
    assert bucket("gcloud storage cat gs://cli-bucket/some/rides-0.csv") == "0,a\n"
    directory = bucket.run("gsutil cp gs://cli-bucket/data .", check=False)
    assert directory.returncode == 1 and "-r" in directory.stderr
    many = bucket.run("gsutil cp rides-0.csv rides-1.csv gs://cli-bucket/one-name", check=False)
    assert many.returncode == 1 and "must be a directory" in many.stderr
    assert bucket.run("gsutil rm gs://cli-bucket/nothing", check=False).returncode == 1
    assert bucket.run("gsutil rm -f gs://cli-bucket/nothing", check=False).returncode == 0
    full = bucket.run("gcloud storage buckets delete gs://cli-bucket", check=False)
    assert full.returncode == 1
    bucket("gsutil rm -r gs://cli-bucket/some")


def test_large_files_pass_without_being_held_in_memory(bucket):
    size = 300 << 20
    with open(bucket.directory / "large.bin", "wb") as file:
        file.write(os.urandom(1 << 20))
        file.truncate(size)
    limit = "ulimit -v 2000000"  # address space, libraries included
    bucket(f"({limit}; gcloud storage cp large.bin gs://cli-bucket/large.bin)")
    bucket(
        f"({limit}; gcloud storage cp gs://cli-bucket/large.bin back.bin) "
        "&& cmp large.bin back.bin && rm back.bin large.bin"
    )
    bucket("gsutil rm gs://cli-bucket/large.bin")


@pytest.fixture(scope="module")
def trainer(bucket):
    package = bucket.directory / "job/trainer"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "task.py").write_text(
        "import logging, sys, time\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "logging.info('arguments %s', sys.argv[1:])\n"
        "sys.exit('the data is wrong') if '--fail' in sys.argv else None\n"
        "time.sleep(60) if '--sleep' in sys.argv else None\n"
    )
    return bucket


SUBMIT = (
    "gcloud ai-platform jobs submit training {job} --module-name=trainer.task --package-path=job/trainer "
    "--staging-bucket=gs://cli-bucket --job-dir=gs://cli-bucket/jobs/{job} --region=us-central1 --scale-tier=BASIC "
    "--runtime-version=1.15 --python-version=3.7 --labels=team=cli {more}"
)


def test_a_job_runs_with_its_package_staged_and_its_logs_streamed(trainer):
    result = trainer.run(SUBMIT.format(job="good_1", more="--stream-logs -- --x=1"))
    assert "Job [good_1] submitted successfully." in result.stderr
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert all(len(line) == 5 for line in lines), result.stdout
    said = [line for line in lines if "arguments ['--x=1', '--job-dir', 'gs://cli-bucket/jobs/good_1']" in line[4]
            or "arguments ['--x=1', '--job-dir=gs://cli-bucket/jobs/good_1']" in line[4]]  # fmt: skip
    assert said and said[0][0] == "INFO" and said[0][1].endswith(" +0000") and said[0][2] == "master-replica-0"
    job = json.loads(trainer("gcloud ai-platform jobs describe good_1 --format=json"))
    assert job["state"] == "SUCCEEDED" and job["labels"] == {"team": "cli"}
    (package,) = job["trainingInput"]["packageUris"]
    assert package.startswith("gs://cli-bucket/good_1/") and package.endswith("/trainer-0.0.0.tar.gz")
    assert len(package.split("/")[4]) == 64
    assert trainer(f"gsutil ls {package}").strip() == package
    listed = trainer("gcloud ai-platform jobs list --filter='state=SUCCEEDED AND jobId:good*'").splitlines()
    assert listed[0].split() == ["JOB_ID", "STATUS", "CREATED"] and listed[1].split()[:2] == ["good_1", "SUCCEEDED"]


def test_a_failed_job_says_why_and_fails_the_command(trainer):
    result = trainer.run(SUBMIT.format(job="bad_1", more="--stream-logs -- --fail"), check=False)
    assert result.returncode == 1
    assert "the data is wrong" in result.stdout and "Job [bad_1] failed" in result.stderr
    job = json.loads(trainer("gcloud ml-engine jobs describe bad_1 --format=json"))
    assert job["state"] == "FAILED" and "the data is wrong" in job["errorMessage"]
    again = trainer.run(SUBMIT.format(job="bad_1", more=""), check=False)
    assert again.returncode == 1 and "ALREADY_EXISTS" in again.stderr


def test_a_running_job_is_cancelled(trainer):
    submitted = trainer.run(SUBMIT.format(job="long_1", more="-- --sleep"))
    assert submitted.stdout == "jobId: long_1\nstate: QUEUED\n"
    trainer("gcloud ai-platform jobs cancel long_1")
    for _ in range(200):
        state = trainer("gcloud ai-platform jobs describe long_1 --format='value(state)'").strip()
        if state in ("SUCCEEDED", "FAILED", "CANCELLED"):
            break
        time.sleep(0.1)
    assert state == "CANCELLED"


def test_a_config_file_gives_what_the_flags_leave_open(trainer):
    (trainer.directory / "config.yaml").write_text(
        "trainingInput:\n  scaleTier: CUSTOM\n  masterType: n1-standard-4\n  runtimeVersion: '1.15'\n"
    )
    trainer(
        "gcloud ai-platform jobs submit training config_1 --module-name=trainer.task --package-path=job/trainer "
        "--staging-bucket=cli-bucket --config=config.yaml --stream-logs"
    )
    given = json.loads(trainer("gcloud ai-platform jobs describe config_1 --format=json"))["trainingInput"]
    assert (given["scaleTier"], given["masterType"], given["runtimeVersion"]) == ("CUSTOM", "n1-standard-4", "1.15")


def test_submissions_without_what_they_need_are_refused_before_anything_is_sent(trainer):
    no_bucket = trainer.run(
        "gcloud ai-platform jobs submit training j --module-name=trainer.task --package-path=job/trainer", check=False
    )
    assert no_bucket.returncode == 2 and "--staging-bucket" in no_bucket.stderr
    no_package = trainer.run("gcloud ai-platform jobs submit training j --module-name=trainer.task", check=False)
    assert no_package.returncode == 2 and "--package-path" in no_package.stderr
    no_init = trainer.run(
        "gcloud ai-platform jobs submit training j --module-name=t --package-path=job --staging-bucket=cli-bucket",
        check=False,
    )
    assert no_init.returncode == 1 and "__init__.py" in no_init.stderr


def test_models_without_versions_live_and_versions_without_a_model_do_not(engine):
    created = engine.run("gcloud ai-platform models create m1 --regions=us-central1 --labels=a=b")
    assert "Created ai platform model [projects/p1/models/m1]." in created.stderr
    assert engine("gcloud ai-platform models list").splitlines()[0].split() == ["NAME", "DEFAULT_VERSION_NAME"]
    assert json.loads(engine("gcloud ai-platform models describe m1 --format=json"))["name"] == "projects/p1/models/m1"
    nothing = engine.run(
        "gcloud ai-platform versions create v1 --model=m1 --origin=gs://cli-bucket/absent", check=False
    )
    assert nothing.returncode == 1 and "failed." in nothing.stderr or "ERROR" in nothing.stderr
    engine("gcloud ai-platform models delete m1 --quiet")
    gone = engine.run("gcloud ai-platform models describe m1", check=False)
    assert gone.returncode == 1 and "NOT_FOUND" in gone.stderr
