"""Writes test/golden/format.safetensors with the format's own implementation.

Needs torch and safetensors. Run: python3 scripts/reference/safetensors_fixture.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

GOLDEN = Path(__file__).resolve().parents[2] / "test" / "golden"

ramp = torch.arange(6).reshape(2, 3)
tensors = {f"{dtype}".removeprefix("torch."): ramp.to(dtype) for dtype in (
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
)}
tensors["scalar"] = torch.tensor(0.5)
tensors["empty"] = torch.zeros(0, 4)
tensors["fc1.weight"] = torch.tensor([[1.5, -2.0], [float("inf"), float("nan")]])
tensors["häßlich 名"] = torch.tensor([-1], dtype=torch.int8)

GOLDEN.mkdir(parents=True, exist_ok=True)
save_file(tensors, GOLDEN / "format.safetensors", metadata={"graph": '{"layers": ["fc1"]}'})
