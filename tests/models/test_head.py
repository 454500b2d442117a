import pytest
import torch
from torch import nn

from models import BuildHead
from models.units import UNITS


def cnn(channels: int = 6) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU())


@pytest.mark.parametrize("head_type", ["NAC", "NALU"])
@pytest.mark.parametrize("hidden_dims", [[5], (5,), [5, 4], (5, 4)])
def test_the_seeds_call_works_with_lists_and_tuples(head_type: str, hidden_dims: list[int] | tuple[int, ...]) -> None:
    head = BuildHead(cnn(), 6, hidden_dims, "classification", 10, head_type)
    assert [layer.out_features for layer in head.head] == [*hidden_dims[1:], 10]
    assert head(torch.rand(3, 1, 12, 9)).shape == (3, 10)


def test_the_seeds_parameter_names_work_as_keywords() -> None:
    head = BuildHead(
        conv_model=cnn(), op_channel=6, hidden_dims=[4], task="regression", num_outputs=1, head_type="NALU"
    )
    assert head(torch.rand(2, 1, 7, 7)).shape == (2, 1)


def test_classification_answers_log_probabilities_and_regression_the_plain_value() -> None:
    x = torch.rand(4, 1, 8, 8)
    classes = BuildHead(cnn(), 6, [5], "classification", 3, "NAC")
    torch.testing.assert_close(classes(x).exp().sum(1), torch.ones(4))
    value = BuildHead(cnn(), 6, [5], "regression", 1, "NAC")
    torch.testing.assert_close(value(x), value.head(value.features(x)))


def test_average_forgets_how_many_and_sum_keeps_it() -> None:
    one = torch.zeros(1, 1, 8, 8)
    one[..., 2, 2] = 1
    two = one.clone()
    two[..., 5, 5] = 1
    backbone = nn.Conv2d(1, 2, 1, bias=False)
    total = BuildHead(backbone, 2, [3], "regression", 1, "NAC", pool="sum")
    nn.init.zeros_(total.project.bias)
    torch.testing.assert_close(total(two), 2 * total(one))
    average = BuildHead(backbone, 2, [3], "regression", 1, "NAC", pool="average")
    nn.init.zeros_(average.project.bias)
    twice_the_area = torch.cat([one, one], dim=3)
    torch.testing.assert_close(average(twice_the_area), average(one))
    torch.testing.assert_close(total(twice_the_area), 2 * total(one))


def test_without_pooling_locations_are_told_apart_and_one_size_is_taken() -> None:
    torch.manual_seed(0)
    head = BuildHead(cnn(), 6, [5], "regression", 1, "NAC", pool=None, image_shape=(1, 8, 6))
    assert head.head[0].in_features == 5 * 8 * 6
    x = torch.rand(2, 1, 8, 6)
    assert not torch.allclose(head(x), head(x.flip(3)))
    with pytest.raises(RuntimeError):
        head(torch.rand(2, 1, 8, 8))


def test_measuring_the_feature_map_leaves_the_backbone_as_it_was() -> None:
    backbone = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    BuildHead(backbone, 2, [3], "regression", 1, "NAC", pool=None, image_shape=(1, 8, 8))
    assert backbone.training
    assert backbone[1].num_batches_tracked.item() == 0


def test_a_nalu_head_takes_features_of_both_signs_and_near_zero_without_overflow() -> None:
    torch.manual_seed(0)
    head = BuildHead(nn.Conv2d(1, 4, 1), 4, [32], "classification", 10, "NALU")
    with torch.no_grad():
        for layer in head.head:
            layer.W.fill_(-1.4)
            layer.G.zero_()
    x = torch.cat([torch.zeros(1, 1, 4, 4), torch.randn(7, 1, 4, 4) * 1e-6]).requires_grad_()
    head(x)[:, 0].sum().backward()
    assert head(x).isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in head.parameters() if p.grad is not None)


def test_unit_options_go_over_those_of_heads() -> None:
    assert BuildHead(cnn(), 6, [5], "regression", 1, "NALU").head[0].eps == UNITS.load("NALU").HEAD_OPTIONS["eps"]
    options = {"eps": 0.5, "shared_weights": True}
    layer = BuildHead(cnn(), 6, [5], "regression", 1, "NALU", unit_options=options).head[0]
    assert (layer.eps, layer.W) == (0.5, None)


@pytest.mark.parametrize(("old", "new"), [("add-votes", "count"), ("multiply-votes", "product")])  # alias: old names
def test_a_pool_by_its_old_name_warns_and_is_the_new_one(old: str, new: str) -> None:
    with pytest.warns(FutureWarning, match=rf"^pool='{old}' is called '{new}' now; use that\.$"):
        head = BuildHead(cnn(), 6, [3], "regression", 1, "NAU", pool=old)  # type: ignore[arg-type]
    assert head.pool == new


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "regresion"}, r"^Unknown task 'regresion'\. Available: classification, regression\.$"),
        ({"head_type": "MLP"}, r"^Unknown unit 'MLP'\. Available: .*\bNAC, .*\bNALU, .*\.$"),
        ({"pool": "max"}, r"^Unknown pool 'max'\. Available: 'average', 'sum', 'count', 'product', None\.$"),
        ({"num_outputs": 2}, r"^num_outputs must be 1 for regression, got 2\.$"),
        (
            {"task": "classification", "num_outputs": 1},
            r"^num_outputs must be at least 2 for classification, got 1\.$",
        ),
        ({"hidden_dims": ()}, r"^hidden_dims must be a list of widths of at least 1, .*, got \(\)\.$"),
        ({"hidden_dims": 8}, r", got 8\.$"),
        ({"hidden_dims": [4, 0]}, r", got \[4, 0\]\.$"),
        ({"pool": None}, r"needs image_shape=\(channels, height, width\).*Got pool=None, image_shape=None\.$"),
        ({"image_shape": (1, 8, 8)}, r"Got pool='average', image_shape=\(1, 8, 8\)\.$"),
    ],
)
def test_what_does_not_fit_is_a_clear_value_error(change: dict[str, object], message: str) -> None:
    arguments = {"hidden_dims": [4], "task": "regression", "num_outputs": 1, "head_type": "NAC", **change}
    with pytest.raises(ValueError, match=message):
        BuildHead(cnn(), 6, **arguments)
