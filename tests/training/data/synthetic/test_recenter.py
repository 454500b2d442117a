import numpy as np

from training.data.synthetic.recenter import recenter


def test_ink_comes_to_lie_in_the_middle_wherever_it_was() -> None:
    digits = np.zeros((3, 28, 28), np.uint8)
    digits[0, 0:5, 20:28] = digits[1, 11:16, 3:11] = digits[2, 23:28, 0:8] = 9
    expected = np.zeros((10, 10), np.uint8)
    expected[3:8, 1:9] = 9
    for found in recenter(digits, 10):
        np.testing.assert_array_equal(found, expected)


def test_what_reaches_beyond_the_frame_is_cut_off_on_both_sides() -> None:
    digit = np.arange(100, dtype=np.uint8).reshape(1, 10, 10) + 1
    np.testing.assert_array_equal(recenter(digit, 6), digit[:, 2:8, 2:8])


def test_an_image_without_ink_stays_empty() -> None:
    assert not recenter(np.zeros((2, 8, 8), np.uint8), 6).any()
