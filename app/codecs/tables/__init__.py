"""Tables in and out of arithmetic models: columns by name, and the columns that the answer adds.

CSV is read with the standard library, Arrow with pyarrow, which the extra ``tables`` installs.
"""
