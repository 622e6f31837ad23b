"""From a rate profile to the moment each record is due.

`signals.py` and `wall_clock.py` turn each form into a rate that is linear between knots (`segments.py`); `curve.py`
adds it up to the expected number of records since the beginning, and inverts that; `arrivals.py` has random arrivals
of rate one; `course.py` puts them together for a shard.
"""
