"""Whether JPEGs are decoded at a reduced size first follows the share of answers that were sure."""

from app.batching.reduced_first import RETRY_IMAGES, ReducedFirst


def tried(reduced_first: ReducedFirst, images: int, *, sure: bool) -> int:
    """How many of so many images were decoded at a reduced size first."""
    count = 0
    for _ in range(images):
        if reduced_first.is_worthwhile():
            count += 1
            reduced_first.record(sure)
    return count


def test_it_goes_on_while_answers_are_sure_and_stops_after_a_few_that_are_not() -> None:
    reduced_first = ReducedFirst()
    assert tried(reduced_first, 100, sure=True) == 100
    assert tried(reduced_first, 100, sure=False) == 6 + 94 // RETRY_IMAGES  # (7/8)^6 < 1/2


def test_it_is_tried_again_now_and_then_and_so_returns() -> None:
    reduced_first = ReducedFirst()
    tried(reduced_first, 1000, sure=False)
    assert tried(reduced_first, 10 * RETRY_IMAGES, sure=False) == 10
    assert tried(reduced_first, 1000, sure=True) > 1000 - 8 * RETRY_IMAGES
    assert reduced_first.sure_share > 0.99


def test_one_that_is_unsure_among_many_changes_nothing() -> None:
    reduced_first = ReducedFirst()
    for _ in range(50):
        assert tried(reduced_first, 3, sure=True) == 3
        assert tried(reduced_first, 1, sure=False) == 1
