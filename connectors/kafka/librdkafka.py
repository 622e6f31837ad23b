"""librdkafka by its C interface, the very library that the Python client runs on."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

from confluent_kafka import cimpl

from schemas.errors import ServiceError

PRODUCER_TYPE = 0

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
