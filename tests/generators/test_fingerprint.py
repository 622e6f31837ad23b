import subprocess
import sys

import pyarrow as pa
import pytest

from generators.fingerprint import batch_hash, fingerprint, versions
from tests.generators.tables import AWKWARD


def test_the_platform_names_itself_the_same_in_another_process() -> None:
    code = "from generators.fingerprint import fingerprint; print(fingerprint())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other == fingerprint()
    assert len(other) == 16
    assert versions()["numpy"]


@pytest.mark.parametrize("name", AWKWARD)
def test_the_hash_is_of_what_a_batch_says(name: str) -> None:
    made, schema = AWKWARD[name]()
    (batch,) = made.combine_chunks().to_batches()
    rows = batch.num_rows
    half = batch.slice(rows // 2)
    copy = pa.RecordBatch.from_pylist(half.to_pylist(), schema=schema.arrow_schema)
    assert batch_hash(half, schema) == batch_hash(copy, schema)
    if name != "constants":
        assert batch_hash(half, schema) != batch_hash(batch.slice(0, rows - rows // 2), schema)
    assert batch_hash(batch, schema) != batch_hash(batch.slice(1), schema)
