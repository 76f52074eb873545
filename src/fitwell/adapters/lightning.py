"""A treated network inside a Lightning ``Trainer``."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy
from torch.optim import Optimizer

from fitwell.adapters.step import (
    add_penalty_gradient,
    check_optimizers,
    hook_steps,
    moves,
    named_terms,
    trained,
)
from fitwell.errors import InputError
from fitwell.treatment import Treated


class Regularize(Callback):
    """Train ``treated.module`` as if ``treated.penalty()`` were a term of the loss.

    For a LightningModule whose network is ``treated.module``::

        treated = fitwell.regularize(network, l1=1e-5, l2=1e-4, dropout=0.3)
        trainer = Trainer(callbacks=[Regularize(treated)])
        trainer.fit(MyLightningModule(treated.module), data)

    - The penalty's gradient is added once per step of the optimizer, whatever
      ``accumulate_grad_batches``, and before gradients are clipped. The loss that Lightning
      shows stays the one of the data; ``penalty_l1`` and ``penalty_l2`` are logged at the
      end of each epoch.
    - The proximal steps of ``exact_zeros`` follow each step of the optimizer, before the
      learning rate changes. Decoupled decay is taken too.
    - With ``precision="16-mixed"`` the gradient is added after the scaler has divided by its
      factor, to a fused optimizer's gradients multiplied by it; a step that the scaler
      leaves out has no proximal step and no decay either.
    - A batch for which ``training_step`` gives None is left out wholly.
    - With manual optimization each optimizer gets the penalty of the weights it holds.

    Args:
        treated: what `fitwell.regularize` gave.

    Raises:
        InputError: when the fit starts: the optimizer trains another network or is LBFGS, or
            the strategy cuts the weights into pieces (FSDP, DeepSpeed, ModelParallel).
    """

    def __init__(self, treated: Treated) -> None:
        self.treated = treated
        self._hooks: list[Any] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Check what is trained and by what; take the proximal steps from now on."""
        if isinstance(trainer.strategy, (DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy)):
            raise InputError(
                f"strategy is {type(trainer.strategy).__name__}, which cuts the weights into pieces"
                " that the penalty cannot see. Use one device or DDP."
            )
        check_optimizers(self.treated, trainer.optimizers)
        self._release()
        decay = _scaler(trainer) is not None  # with a scaler Lightning steps without a closure
        for optimizer in trainer.optimizers:
            if trained(self.treated, optimizer):
                self._hooks += hook_steps(self.treated, optimizer, decay=decay)

    def on_before_optimizer_step(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        optimizer: Optimizer,
    ) -> None:
        """Add the gradient: Lightning has unscaled here and has not clipped yet."""
        if not moves(self.treated, optimizer):
            return  # training_step gave None: this batch is left out
        scaler = _scaler(trainer)
        fused = getattr(optimizer, "_step_supports_amp_scaling", False)  # unscales by itself
        scale = scaler.get_scale() if scaler is not None and fused else 1.0
        add_penalty_gradient(self.treated, optimizer, scale)
        if scaler is None:
            self.treated.decay_(optimizer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Log the two terms."""
        pl_module.log_dict(named_terms(self.treated))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Leave the optimizers as they were."""
        self._release()

    def _release(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def _scaler(trainer: Trainer) -> Any:
    return getattr(trainer.precision_plugin, "scaler", None)
