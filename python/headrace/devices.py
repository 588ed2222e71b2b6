"""Names of devices ("/job:worker/task:1/device:GPU:0"), tf.DeviceSpec, and the devices of this machine."""

from __future__ import annotations

from typing import Any


class DeviceSpec:
    """A device's name in its parts, any of which may be left open.

    >>> import tensorflow as tf
    >>> tf.DeviceSpec(job="ps", device_type="CPU", device_index=0).to_string()
    '/job:ps/device:CPU:0'
    """

    def __init__(
        self, job: str | None = None, replica: int | None = None, task: int | None = None,
        device_type: str | None = None, device_index: int | None = None,
    ) -> None:  # fmt: skip
        self.job = job or None
        self.replica = None if replica is None else int(replica)
        self.task = None if task is None else int(task)
        self.device_type = None if device_type is None else _type(device_type)
        self.device_index = None if device_index is None else int(device_index)

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Takes the parts that a name gives; returns the same object.

        Raises:
          ValueError: for what is no device's name.
        """
        self.__init__(**_parse(spec))  # type: ignore[misc]
        return self

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        return cls(**_parse(spec))

    def merge_from(self, dev: DeviceSpec) -> None:
        """Takes the parts that another name gives."""
        for part in _PARTS:
            if getattr(dev, part) is not None:
                setattr(self, part, getattr(dev, part))

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        given = {part: getattr(dev, part) for part in _PARTS if getattr(dev, part) is not None}
        return self.replace(**given)

    def replace(self, **parts: Any) -> DeviceSpec:
        return type(self)(**{**{part: getattr(self, part) for part in _PARTS}, **parts})

    def to_string(self) -> str:
        name = "".join(
            f"/{part}:{getattr(self, part)}" for part in ("job", "replica", "task") if getattr(self, part) is not None
        )
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            name += f"/device:{self.device_type}:{index}"
        return name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self.to_string() == other.to_string()

    def __hash__(self) -> int:
        return hash(self.to_string())

    def __repr__(self) -> str:
        return f"DeviceSpec({self.to_string()!r})"


class DeviceSpecV2(DeviceSpec):
    """A DeviceSpec as 2.x has it: it is not changed, only replaced."""

    def parse_from_string(self, spec: str) -> DeviceSpec:
        return type(self).from_string(spec)

    @property
    def merge_from(self) -> Any:
        raise AttributeError("'DeviceSpecV2' object has no attribute 'merge_from'; use make_merged_spec")


DeviceSpecV1 = DeviceSpec
_PARTS = ("job", "replica", "task", "device_type", "device_index")


def _type(name: str) -> str:
    return name.upper() if name.lower() in ("cpu", "gpu") else name


def _parse(spec: str) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if not isinstance(spec or "", str):
        raise TypeError(f"A device is named by a string, not by {spec!r}")
    for piece in [p for p in (spec or "").split("/") if p]:
        kind, *rest = piece.split(":")
        known = kind in ("job", "replica", "task") and len(rest) == 1
        if known:
            parts[kind] = rest[0] if kind == "job" else _number(rest[0], spec)
            continue
        if kind == "device" and rest:
            kind, *rest = rest
        if len(rest) > 1 or (not rest and kind.lower() not in ("cpu", "gpu")) or kind in ("job", "replica", "task"):
            raise ValueError(f"Unknown attribute: '{piece}' in '{spec}'")
        if "device_type" in parts:
            raise ValueError(f"Cannot specify multiple device types: '{spec}'")
        parts["device_type"] = kind
        if rest and rest[0] != "*":
            parts["device_index"] = _number(rest[0], spec)
    return parts


def _number(text: str, spec: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{error}, in the device '{spec}'") from None


def check_valid(spec: str) -> None:
    """Raises ValueError for what is no device's name."""
    _parse(spec)


def canonical_name(device: Any) -> str:
    """A device's name as it is written in full."""
    if device is None:
        return ""
    return device.to_string() if isinstance(device, DeviceSpec) else DeviceSpec.from_string(device).to_string()


def merge_device(spec: Any) -> Any:
    """A device function that fills what a name leaves open with what an outer scope asked for."""
    spec = spec if isinstance(spec, DeviceSpec) else DeviceSpec.from_string(spec or "")

    def merge(node: Any) -> str:
        inner = node if isinstance(node, str) else "" if node is None else node.device
        inner = inner if isinstance(inner, DeviceSpec) else DeviceSpec.from_string(inner or "")
        return spec.make_merged_spec(inner).to_string()

    return merge


class LocalDevice:
    """A device of this machine: name, type and memory in bytes."""

    def __init__(self, name: str, device_type: str, memory_limit: int) -> None:
        self.name, self.device_type, self.memory_limit = name, device_type, memory_limit
        self.memory_limit_bytes = memory_limit
        self.physical_device_desc = ""
        self.incarnation = 1

    def __repr__(self) -> str:
        return f"_DeviceAttributes({self.name}, {self.device_type}, {self.memory_limit_bytes}, {self.incarnation})"


def list_local_devices(session_config: Any = None) -> list[LocalDevice]:
    """The devices of this machine: its CPU, as often as a session's device_count asks for it."""
    counts = getattr(session_config, "device_count", None) or {}
    return [LocalDevice(f"/device:CPU:{i}", "CPU", 256 << 20) for i in range(int(dict(counts).get("CPU", 1)))]
