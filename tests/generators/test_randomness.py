import numpy as np

from generators.randomness import Purpose, stream_key, uniforms, words


def test_known_words() -> None:
    # Random123's known answer for philox4x64-10: counter and key zero; numpy steps the counter before it draws
    zero = np.random.Philox(key=np.zeros(2, np.uint64), counter=np.full(4, 2**64 - 1, np.uint64)).random_raw(4)
    assert [hex(int(w)) for w in zero] == [
        "0x16554d9eca36314c",
        "0xdb20fe9d672d0fdc",
        "0xd7e772cee186176b",
        "0x7e68b68aec7ba23b",
    ]
    assert words((1, 2), 3, 2).tolist() == np.random.Philox(key=[1, 2], counter=[0, 0, 0, 3]).random_raw(2).tolist()


def test_every_part_makes_another_key() -> None:
    parts = [
        ("a", 0, 0, 0, Purpose.DATA),
        ("b", 0, 0, 0, Purpose.DATA),
        ("a", 1, 0, 0, Purpose.DATA),
        ("a", 0, 1, 0, Purpose.DATA),
        ("a", 0, 0, 1, Purpose.DATA),
        ("a", 0, 0, 0, Purpose.REFERENCE),
        ("a", 10, 0, 0, Purpose.DATA),
    ]
    keys = {stream_key(*p) for p in parts}
    assert len(keys) == len(parts)
    assert all(0 <= half < 2**64 for key in keys for half in key)


def test_uniforms_are_words_over_two_to_the_53() -> None:
    drawn = uniforms((1, 2), 5, 100, 3)
    assert drawn.shape == (100, 3)
    assert ((drawn >= 0) & (drawn < 1)).all()
    assert drawn.ravel()[7] == int(words((1, 2), 5, 300)[7] >> np.uint64(11)) / 2**53


def test_rows_of_a_block_do_not_depend_on_how_many_are_drawn() -> None:
    assert (uniforms((1, 2), 5, 100, 3)[:10] == uniforms((1, 2), 5, 10, 3)).all()
    assert not np.intersect1d(uniforms((1, 2), 0, 4_096, 20), uniforms((1, 2), 1, 4_096, 20)).size
