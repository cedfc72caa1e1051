"""Trains a small LSTM on windows of two channels and exports it to ``lstm.onnx``.

Needs PyTorch and onnx in an environment of their own (``pip install torch onnx``); neither the trainer nor its tests install PyTorch, and
the file that this wrote is committed. The task is made up: 12 steps of temperature and load, and the load of the next step.
"""

from pathlib import Path

import onnx
import torch

STEPS, CHANNELS, UNITS = 12, 2, 16


class Forecaster(torch.nn.Module):
    """An LSTM over a window, and a weighted sum of its last state."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(CHANNELS, UNITS, batch_first=True)
        self.head = torch.nn.Linear(UNITS, 1)

    def forward(self, window):
        """Return [rows, 1] for a window of [rows, STEPS, CHANNELS]."""
        states, _ = self.lstm(window)
        return self.head(states[:, -1, :])


def windows(rows, generator):
    """Return windows and the load that follows each."""
    start = torch.rand(rows, 1, generator=generator) * 6.3
    times = start + torch.arange(STEPS + 1) * 0.5
    temperature = torch.sin(times) + 0.1 * torch.randn(rows, STEPS + 1, generator=generator)
    load = 0.5 * temperature + 0.5 * torch.cos(times / 2)
    return torch.stack([temperature[:, :-1], load[:, :-1]], dim=2), load[:, -1:]


def main():
    """Train, export, shrink the versions to what the serving side's runtime takes, and check."""
    torch.manual_seed(5)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(5)
    model = Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        block, truth = windows(128, generator)
        loss = torch.nn.functional.mse_loss(model(block), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = Path(__file__).with_name("lstm.onnx")
    # The older exporter writes one LSTM node; the newer one needs a further package and writes opset 18 and up.
    torch.onnx.export(
        model.eval(),
        torch.zeros(2, STEPS, CHANNELS),
        path,
        input_names=["window"],
        output_names=["load"],
        dynamic_axes={"window": {0: "rows"}, "load": {0: "rows"}},
        opset_version=17,
        dynamo=False,
    )
    exported = onnx.load(path)
    exported.ir_version = min(exported.ir_version, 10)
    exported.producer_version = ""
    onnx.checker.check_model(exported, full_check=True)
    onnx.save(exported, path)
    print(f"{path.name}: {path.stat().st_size} bytes, mean squared error {float(loss):.4f}")


if __name__ == "__main__":
    main()
