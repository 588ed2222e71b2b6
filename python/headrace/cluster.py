"""tf.train.ClusterSpec: the addresses of a cluster's tasks by the name of their job."""

from __future__ import annotations

from typing import Any


class ClusterSpec:
    """A cluster: `{"worker": ["host:1", "host:2"], "ps": {0: "host:3"}}`, a ClusterDef or another ClusterSpec.

    Raises:
      TypeError: for anything else, and for addresses that are no strings.
    """

    def __init__(self, cluster: Any) -> None:
        if isinstance(cluster, ClusterSpec):
            cluster = cluster._jobs
        elif hasattr(cluster, "job"):
            cluster = {job.name: dict(job.tasks) for job in cluster.job}
        elif not isinstance(cluster, dict):
            raise TypeError(
                "`cluster` must be a dictionary mapping one or more job names to lists of network addresses, or a "
                "`ClusterDef` protocol buffer"
            )
        self._jobs: dict[str, dict[int, str]] = {}
        for job, tasks in cluster.items():
            if not isinstance(tasks, (list, tuple, dict)):
                raise TypeError(f"The tasks for job {job!r} must be a list or a dictionary from integers to strings.")
            numbered = dict(tasks) if isinstance(tasks, dict) else dict(enumerate(tasks))
            for address in numbered.values():
                if not isinstance(address, str):
                    raise TypeError(f"Task address must be a string, got {address!r} in job {job!r}")
            self._jobs[job] = {int(index): numbered[index] for index in sorted(numbered)}

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ClusterSpec({self.as_dict()!r})"

    def as_dict(self) -> dict[str, Any]:
        """Lists of addresses, or dicts of them by index where some are missing."""
        return {
            job: list(tasks.values()) if list(tasks) == list(range(len(tasks))) else dict(tasks)
            for job, tasks in self._jobs.items()
        }

    @property
    def jobs(self) -> list[str]:
        return list(self._jobs)

    def _tasks(self, job_name: str) -> dict[int, str]:
        if job_name not in self._jobs:
            raise ValueError(f"No such job in cluster: {job_name!r}")
        return self._jobs[job_name]

    def num_tasks(self, job_name: str) -> int:
        return len(self._tasks(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        return list(self._tasks(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        tasks = self._tasks(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[Any]:
        """The addresses by index; None where there is no task."""
        tasks = self._tasks(job_name)
        return [tasks.get(index) for index in range(max(tasks, default=-1) + 1)]

    def as_cluster_def(self) -> Any:
        from headrace.protos import cluster_pb2

        cluster = cluster_pb2.ClusterDef()
        for job, tasks in sorted(self._jobs.items()):
            entry = cluster.job.add(name=job)
            for index, address in tasks.items():
                entry.tasks[index] = address
        return cluster
