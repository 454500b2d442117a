"""Sequences of MNIST digits: a CNN reads the digits, a unit adds, counts or multiplies them, one label a sequence.

Tasks: Trask et al. 2018, "Neural Arithmetic Logic Units", https://arxiv.org/abs/1808.00508, section 4.2 (count and
sum); Madsen and Johansen 2020, "Neural Arithmetic Units", https://openreview.net/forum?id=H1gNOeHKPS, section 4.3 (sum
and product), and its code, https://github.com/AndreasMadsen/stable-nalu.
"""
