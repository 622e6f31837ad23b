"""librdkafka by its C interface, the very library that the Python client runs on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping

from confluent_kafka import cimpl

from schemas.errors import InputError, ServiceError
from schemas.secrets import Setting, hidden

PRODUCER_TYPE, CONSUMER_TYPE = 0, 1
INVALID = -1

POINTER, TEXT, INT, SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
Signature = tuple[type | None, list[type]]
"""The type of a function's result, and those of its arguments."""

COMMON: Mapping[str, Signature] = {
    "rd_kafka_conf_new": (POINTER, []),
    "rd_kafka_conf_set": (INT, [POINTER, TEXT, TEXT, TEXT, SIZE]),
    "rd_kafka_conf_destroy": (None, [POINTER]),
    "rd_kafka_new": (POINTER, [INT, POINTER, TEXT, SIZE]),
    "rd_kafka_destroy": (None, [POINTER]),
}


def library(functions: Mapping[str, Signature]) -> ctypes.CDLL:
    """The library, ready to be called.

    Args:
        functions: what is called beside `COMMON`, as in rdkafka.h.

    Raises:
        ServiceError: this build has no such function.
    """
    found = ctypes.CDLL(cimpl.__file__)
    try:
        for name, (result, arguments) in {**COMMON, **functions}.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise ServiceError(f"confluent-kafka: this build has no {name}; install another version of it") from error
    return found


def made(lib: ctypes.CDLL, kind: int, settings: Mapping[str, Setting], wire: Callable[[int], None]) -> int:
    """A client's handle.

    Args:
        lib: the library.
        kind: `PRODUCER_TYPE` or `CONSUMER_TYPE`.
        settings: by librdkafka's own names.
        wire: told the configuration's handle, to set what it calls.

    Raises:
        InputError: a setting it does not know or take.
    """
    reason = ctypes.create_string_buffer(512)
    conf = lib.rd_kafka_conf_new()
    for name, value in settings.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        fault = lib.rd_kafka_conf_set(conf, name.encode(), text.encode(), reason, len(reason))
        if fault:
            lib.rd_kafka_conf_destroy(conf)
            raise _refused(reason, f"{name}={hidden({name: value})[name]}: " if fault == INVALID else "")
    wire(conf)
    handle: int | None = lib.rd_kafka_new(kind, conf, reason, len(reason))
    if not handle:
        lib.rd_kafka_conf_destroy(conf)
        raise _refused(reason)
    return handle


def _refused(reason: ctypes.Array[ctypes.c_char], where: str = "") -> InputError:
    return InputError(f"kafka settings: {where}{reason.value.decode()}; expected a librdkafka setting under `kafka:`")
