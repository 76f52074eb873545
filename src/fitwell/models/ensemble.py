"""Several networks as one: its probabilities are the weighted mean of theirs."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Ensemble(nn.Module):
    r"""Networks of one kind that answer together.

    The output is logits, as that of any classifier here: for row :math:`x` and class :math:`c`

    .. math:: z_c(x) = \ln \sum_m w_m \, \mathrm{softmax}(f_m(x))_c,

    so that ``softmax`` of the output is the mean :math:`\sum_m w_m p_m`, since that sums to 1
    already. It is taken as ``logsumexp`` of :math:`\ln w_m + \ln p_m`: a probability that is too
    small for its type in one member does not become infinite in the mean.

    Args:
        members: networks of equal outputs; their ``state_dict`` keys become ``members.0...``.
        weights: :math:`w_m`, not negative, of sum 1; equal where None.

    >>> always = nn.Linear(1, 2), nn.Linear(1, 2)
    >>> for network, chances in zip(always, ((0.5, 0.5), (0.9, 0.1))):
    ...     _ = nn.init.zeros_(network.weight)
    ...     network.bias.data = torch.tensor(chances).log()
    >>> Ensemble(always)(torch.zeros(1, 1)).softmax(dim=1)
    tensor([[0.7000, 0.3000]], grad_fn=<SoftmaxBackward0>)
    """

    weights: Tensor

    def __init__(
        self, members: Sequence[nn.Module], weights: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        shares = [1 / len(members)] * len(members) if weights is None else list(weights)
        assert len(shares) == len(members)
        self.members = nn.ModuleList(members)
        self.register_buffer("weights", torch.tensor(shares))

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits of the mean, one row per row of ``x``."""
        each = torch.stack([member(x).log_softmax(dim=1) for member in self.members])
        return torch.logsumexp(each + self.weights.to(each.dtype).log().view(-1, 1, 1), dim=0)
