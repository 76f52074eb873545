"""The built-in network for images: a small convolutional network."""

from collections.abc import Sequence

from torch import nn

from fitwell.models.mlp import ACTIVATIONS


def cnn(
    shape: tuple[int, int, int],
    outputs: int,
    *,
    widths: Sequence[int] = (16, 32, 64),
    hidden: int = 128,
    activation: str = "relu",
) -> nn.Sequential:
    """Blocks of 3x3 convolution, activation and 2x2 max-pooling, then two linear layers.

    The pooling stops when a side would fall below 2 pixels.

    >>> [type(layer).__name__ for layer in cnn((1, 8, 8), 2, widths=(4,), hidden=6)]
    ['Conv2d', 'ReLU', 'MaxPool2d', 'Flatten', 'Linear', 'ReLU', 'Linear']
    """
    channels, height, width = shape
    layers: list[nn.Module] = []
    for filters in widths:
        layers += [nn.Conv2d(channels, filters, 3, padding=1), ACTIVATIONS[activation]()]
        channels = filters
        if min(height, width) >= 4:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
    flat = channels * height * width
    head = [nn.Linear(flat, hidden), ACTIVATIONS[activation](), nn.Linear(hidden, outputs)]
    return nn.Sequential(*layers, nn.Flatten(), *head)
