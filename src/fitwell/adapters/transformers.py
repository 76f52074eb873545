"""A treated network inside a Hugging Face ``Trainer``."""

from typing import Any

from torch.optim import Optimizer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from fitwell.adapters.step import (
    add_penalty_gradient,
    check_optimizers,
    hook_steps,
    named_terms,
)
from fitwell.errors import InputError
from fitwell.treatment import Treated


class Regularize(TrainerCallback):
    """Train ``treated.module`` as if ``treated.penalty()`` were a term of the loss.

    ::

        treated = fitwell.regularize(model, l1=1e-6, l2=1e-5)
        trainer = Trainer(treated.module, args, train_dataset=data, callbacks=[Regularize(treated)])
        trainer.train()

    - The penalty's gradient counts once per step of the optimizer, whatever
      ``gradient_accumulation_steps``. The Trainer's own hook before the step comes after
      clipping, so the gradient is laid down at the start of the step, where it is the
      first to be accumulated: ``max_grad_norm`` clips it with the rest.
    - With ``fp16`` it is laid down multiplied by the scaler's factor, and divided by it
      with the rest; a step that the scaler leaves out has no proximal
      step and no decay either.
    - The proximal steps of ``exact_zeros`` follow each step of the optimizer, before the
      learning rate changes. Decoupled decay is taken too. The Trainer's own ``weight_decay``
      comes on top: leave it at 0 to have one penalty.
    - ``penalty_l1`` and ``penalty_l2`` stand beside each training loss in
      ``trainer.state.log_history`` and in what is printed. The reporters that ``report_to``
      names are called earlier and miss them; hand them over behind this one instead:
      ``report_to="none"``, ``callbacks=[Regularize(treated), TensorBoardCallback()]``.

    Args:
        treated: what `fitwell.regularize` gave.

    Raises:
        InputError: when the training starts: the optimizer trains another network or is
            LBFGS, or FSDP or DeepSpeed cuts the weights into pieces.
    """

    def __init__(self, treated: Treated) -> None:
        self.treated = treated
        self._hooks: list[Any] = []

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,
    ) -> None:
        """Check what is trained and by what; take the proximal steps from now on."""
        if args.fsdp or args.deepspeed:
            raise InputError(
                f"{'fsdp' if args.fsdp else 'deepspeed'} cuts the weights into pieces that the"
                " penalty cannot see. Use one device or plain data parallelism."
            )
        optimizer = _bare(kwargs["optimizer"])
        check_optimizers(self.treated, [optimizer])
        self._release()
        self._hooks = hook_steps(self.treated, optimizer, decay=True)

    def on_step_begin(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,
    ) -> None:
        """Lay down the gradient, on which those of the step's batches accumulate."""
        scaler = getattr(kwargs["optimizer"], "scaler", None)
        scale = 1.0 if scaler is None else scaler.get_scale()
        add_penalty_gradient(self.treated, _bare(kwargs["optimizer"]), scale)

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Add the two terms to a log of the training loss."""
        if logs is not None and "loss" in logs:
            terms = named_terms(self.treated)
            logs.update(terms)
            state.log_history[-1].update(terms)  # the Trainer has kept a copy already

    def on_train_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Leave the optimizer as it was."""
        self._release()

    def _release(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def _bare(optimizer: Optimizer) -> Optimizer:
    """Take the optimizer out of accelerate's wrapper, whose type says nothing."""
    bare: Optimizer = getattr(optimizer, "optimizer", optimizer)
    return bare
