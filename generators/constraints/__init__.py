"""Rules kept by construction: a layer between a table and any generator, which need not know of it.

Before fitting, columns that rules tie together are re-expressed (`listing`, `offset`; `plan` says which); after
drawing, they are expressed back exactly. Rows that still break a rule are drawn again from numbers of their own
(`constrained`), so that what is drawn has the generator's distribution given all of the rules.
"""
