"""Training in bfloat16 where the processor supports it: convolutions take half the time, heads stay in float32."""

import torch
from torch import Tensor, nn

from models.head import BuildHead


def supports_bf16(device: str = "cpu") -> bool:
    """Whether a device has instructions for bfloat16; without them it would be slower than float32, not faster."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def bf16_maps(head: BuildHead, x: Tensor) -> Tensor:
    """``head.maps(x)`` in float32, its backbone computed in bfloat16 where that is faster.

    The projection is computed in float32: in bfloat16 neighbouring locations would tie too often.
    """
    with torch.autocast(x.device.type, torch.bfloat16, enabled=supports_bf16(x.device.type)):
        maps = head.conv_model(x)
    projected: Tensor = head.project(maps.float())
    return projected


class BF16Network(nn.Module):
    """A network in training that computes ``BuildHead.forward`` with ``bf16_maps``."""

    def __init__(self, head: BuildHead) -> None:
        super().__init__()
        self.network = head

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.network.head(self.network.pooled(bf16_maps(self.network, x)))
        return output.log_softmax(1) if self.network.task == "classification" else output
