r"""L2: the sum of squared weights, :math:`\lambda_2 \sum w^2`, with no half in front."""

from collections.abc import Sequence

from torch import Tensor

from fitwell.remedies.remedy import Parameter, Remedy

REMEDY = Remedy(
    name="l2",
    parameters=(Parameter(name="l2", low=1e-6, high=1e-2, log=True, off=0.4, default=1e-4),),
)


def l2_penalty(weights: Sequence[Tensor], strength: float) -> Tensor:
    r"""Sum of squared weights times the strength: :math:`\lambda_2 \sum w^2`.

    Its gradient is :math:`2\lambda_2 w`, so plain SGD sees it as ``weight_decay`` equal to
    :math:`2\lambda_2`, and so does torch's Adam, whose ``weight_decay`` joins the gradient
    before it is rescaled. AdamW's ``weight_decay`` is another thing: it bypasses the scaling.

    Args:
        weights: the penalized tensors.
        strength: :math:`\lambda_2`, in units of loss; zero gives zero.

    Reference:
        Krogh and Hertz: A Simple Weight Decay Can Improve Generalization, 1991.

    >>> import torch
    >>> l2_penalty([torch.tensor([3.0, -4.0])], 0.5)
    tensor(12.5000)
    """
    total = weights[0].new_zeros(())
    for weight in weights:
        total = total + weight.square().sum()
    return strength * total
