"""Buckets and objects through the real google-cloud-storage client and the plain API."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

requests = pytest.importorskip("requests")
exceptions = pytest.importorskip("google.api_core.exceptions")


def test_bucket_life(engine: Any) -> None:
    client = engine.storage()
    bucket = client.create_bucket("lab-bucket", location="us-central1")
    assert bucket.location == "US-CENTRAL1"
    with pytest.raises(exceptions.Conflict):
        client.create_bucket("lab-bucket")
    with pytest.raises(exceptions.BadRequest):
        engine.storage().create_bucket("Bad_Name")
    assert [b.name for b in client.list_buckets()] == ["lab-bucket"]
    bucket.blob("x").upload_from_string("1")
    with pytest.raises(exceptions.Conflict):
        bucket.delete()
    bucket.blob("x").delete()
    bucket.delete()
    with pytest.raises(exceptions.NotFound):
        client.get_bucket("lab-bucket")


def test_object_life(engine: Any) -> None:
    bucket = engine.storage().create_bucket("lab-bucket")
    blob = bucket.blob("a dir/ünicode & more.csv")
    blob.metadata = {"k": "v"}
    blob.upload_from_string("one,two\n", content_type="text/csv")
    again = bucket.get_blob("a dir/ünicode & more.csv")
    assert (again.size, again.content_type, again.metadata) == (8, "text/csv", {"k": "v"})
    assert again.crc32c and again.md5_hash and again.generation
    assert again.download_as_bytes() == b"one,two\n"
    assert again.download_as_bytes(start=4, end=6) == b"two"
    again.metadata = {"k": "w"}
    again.patch()
    assert bucket.get_blob(again.name).metadata == {"k": "w"}
    assert bucket.get_blob(again.name).metageneration == 2
    again.delete()
    assert bucket.get_blob(again.name) is None
    assert list((engine.home / "buckets" / "lab-bucket").iterdir()) == []


def test_resumable_upload_of_many_chunks(engine: Any, tmp_path: Path) -> None:
    bucket = engine.storage().create_bucket("lab-bucket")
    content = os.urandom(5 * 256 * 1024 + 777)
    source = tmp_path / "big"
    source.write_bytes(content)
    blob = bucket.blob("big.bin", chunk_size=256 * 1024)
    blob.upload_from_filename(str(source))
    assert bucket.blob("big.bin").download_as_bytes() == content
    assert (engine.home / "buckets" / "lab-bucket" / "big.bin").read_bytes() == content
    with bucket.blob("streamed").open("wb", chunk_size=256 * 1024) as out:  # its length is not known before the end
        out.write(content)
    assert bucket.blob("streamed").download_as_bytes() == content


def test_resumable_upload_goes_on_after_a_killed_engine(engine: Any) -> None:
    engine.storage().create_bucket("lab-bucket")
    headers = {"Authorization": f"Bearer {engine.token}"}
    begun = requests.post(f"{engine.url}/upload/storage/v1/b/lab-bucket/o?uploadType=resumable&name=x", headers=headers)
    session = begun.headers["Location"]
    part = requests.put(session, data=b"abc", headers={**headers, "Content-Range": "bytes 0-2/6"})
    assert (part.status_code, part.headers["Range"]) == (308, "bytes=0-2")
    engine.kill()
    engine.start()
    asked = requests.put(session, headers={**headers, "Content-Range": "bytes */6"})
    assert (asked.status_code, asked.headers["Range"]) == (308, "bytes=0-2")
    done = requests.put(session, data=b"def", headers={**headers, "Content-Range": "bytes 3-5/6"})
    assert done.json()["size"] == "6"
    assert engine.storage().bucket("lab-bucket").blob("x").download_as_bytes() == b"abcdef"


def test_listing(engine: Any) -> None:
    bucket = engine.storage().create_bucket("lab-bucket")
    names = ["a/1", "a/2", "a/b/3", "a.txt", "b", "z/y/x"]
    for name in names:
        bucket.blob(name).upload_from_string(name)
    assert [b.name for b in bucket.list_blobs()] == sorted(names)
    assert [b.name for b in bucket.list_blobs(prefix="a/")] == ["a/1", "a/2", "a/b/3"]
    assert [b.name for b in bucket.list_blobs(prefix="a/b")] == ["a/b/3"]
    assert [b.name for b in bucket.list_blobs(page_size=2)] == sorted(names)
    listing = bucket.list_blobs(delimiter="/")
    assert [b.name for b in listing] == ["a.txt", "b"]
    assert listing.prefixes == {"a/", "z/"}
    listing = bucket.list_blobs(prefix="a/", delimiter="/", page_size=1)
    assert [b.name for b in listing] == ["a/1", "a/2"]
    assert listing.prefixes == {"a/b/"}
    assert [b.name for b in bucket.list_blobs(start_offset="a/2", end_offset="b")] == ["a/2", "a/b/3"]
    assert list(bucket.list_blobs(prefix="none/")) == []


def test_files_that_programs_write_are_objects(engine: Any) -> None:
    bucket = engine.storage().create_bucket("lab-bucket")
    directory = engine.home / "buckets" / "lab-bucket" / "out"
    directory.mkdir()
    (directory / "model.csv").write_text("x")
    blob = bucket.get_blob("out/model.csv")
    assert (blob.size, blob.content_type) == (1, "text/csv")
    first = blob.generation
    assert blob.crc32c
    (directory / "model.csv").write_text("longer")
    blob = bucket.get_blob("out/model.csv")
    assert blob.size == 6
    assert blob.generation > first
    assert blob.download_as_bytes() == b"longer"


def test_copy_rewrite_compose(engine: Any) -> None:
    client = engine.storage()
    one, two = client.create_bucket("bucket-one"), client.create_bucket("bucket-two")
    blob = one.blob("a")
    blob.upload_from_string("first ", content_type="text/plain")
    copy = one.copy_blob(blob, two, "copied")
    assert copy.download_as_bytes() == b"first "
    second = two.blob("b")
    assert second.rewrite(blob)[0] is None
    composed = two.blob("whole")
    composed.compose([copy, second])
    assert composed.download_as_bytes() == b"first first "
    renamed = one.rename_blob(blob, "renamed")
    assert renamed.download_as_bytes() == b"first "
    assert one.get_blob("a") is None


def test_preconditions(engine: Any) -> None:
    bucket = engine.storage().create_bucket("lab-bucket")
    bucket.blob("x").upload_from_string("1", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("x").upload_from_string("2", if_generation_match=0)
    generation = bucket.get_blob("x").generation
    bucket.blob("x").upload_from_string("3", if_generation_match=generation)
    assert bucket.blob("x").download_as_bytes() == b"3"


def test_one_of_many_racing_creators_wins(engine: Any) -> None:
    engine.storage().create_bucket("lab-bucket")
    wins = []

    def create(i: int) -> None:
        try:
            engine.storage().bucket("lab-bucket").blob("lock").upload_from_string(str(i), if_generation_match=0)
            wins.append(i)
        except exceptions.PreconditionFailed:
            pass

    threads = [threading.Thread(target=create, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1
    assert engine.storage().bucket("lab-bucket").blob("lock").download_as_bytes() == str(wins[0]).encode()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "a//b", "..", ".", "a/./b", "x\n", "a" * 300])
def test_names_that_could_lead_out_are_refused(engine: Any, name: str) -> None:
    bucket = engine.storage().create_bucket("lab-bucket")
    with pytest.raises(exceptions.BadRequest):
        bucket.blob(name).upload_from_string("x")
    headers = {"Authorization": f"Bearer {engine.token}"}
    got = requests.get(f"{engine.url}/storage/v1/b/..%2F..%2Fetc/o/passwd?alt=media", headers=headers)
    assert got.status_code == 400


def test_an_object_below_an_object_is_refused(engine: Any) -> None:
    bucket = engine.storage().create_bucket("lab-bucket")
    bucket.blob("a").upload_from_string("x")
    with pytest.raises(exceptions.BadRequest):
        bucket.blob("a/b").upload_from_string("y")
    assert bucket.blob("a").download_as_bytes() == b"x"


def test_token_is_required(engine: Any) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {engine.token}"}):
        answer = requests.get(f"{engine.url}/storage/v1/b?project=lab", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert (engine.home / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_engine_stops_cleanly_and_starts_again(engine: Any) -> None:
    assert engine.stop() == 0
    engine.start()
    assert engine.process.poll() is None
