"""The Single Module Arithmetic Task: the success rate of units over operations, ranges and seeds.

Task and settings: Mistry, Farrahi and Hare 2022, "A Primer for Neural Arithmetic Logic Modules", JMLR 23(185), and its
code, https://github.com/bmistry4/nalm-benchmark.
"""
