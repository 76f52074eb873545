"""A treated network inside a skorch net, and so inside scikit-learn's searches."""

import inspect
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback

from fitwell.adapters.step import (
    add_penalty_gradient,
    check_optimizers,
    hook_steps,
    named_terms,
)
from fitwell.errors import InputError
from fitwell.treatment import STRENGTHS, regularize

OPTIONS = dict.fromkeys(STRENGTHS, 0.0) | {
    name: option.default
    for name, option in inspect.signature(regularize).parameters.items()
    if option.kind is option.KEYWORD_ONLY
}


class Regularize(Callback):
    """Train the net's network as if the penalty were a term of the loss.

    ::

        treatment = Regularize(l1=1e-5, l2=1e-4, dropout=0.3)
        net = NeuralNetClassifier(MyNetwork, callbacks=[("regularize", treatment)])
        GridSearchCV(net, {"callbacks__regularize__l2": [0, 1e-4, 1e-2]}).fit(x, y)

    skorch and scikit-learn build and copy networks as they like, so this callback takes the
    options of `fitwell.regularize` rather than its result. When a training begins it
    replaces ``net.module_`` by a regularized copy, with a new optimizer; `fitwell.Treated`
    is then ``net.treated_``. A network that was handed over as an instance stays as it was.

    - The penalty's gradient is added when skorch says that gradients are computed, once per
      step of the optimizer. Callbacks that clip gradients come after this one and clip it too.
    - The proximal steps of ``exact_zeros`` follow each step of the optimizer, before the
      learning rate changes. Decoupled decay is taken too.
    - ``penalty_l1`` and ``penalty_l2`` stand in ``net.history``, once per epoch.

    Args:
        options: as in `fitwell.regularize`; each is a parameter for ``set_params``.

    Raises:
        InputError: an option is unknown; or when a training begins: another callback comes
            first, options have changed since the network was treated, the optimizer is
            LBFGS, or the net is one of accelerate's.
    """

    def __init__(self, **options: Any) -> None:
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise InputError(
                f"{unknown[0]} is no option of fitwell.regularize. Options: {', '.join(OPTIONS)}."
            )
        # skorch and scikit-learn take each attribute without a trailing _ for a parameter.
        self.__dict__.update(OPTIONS | options)
        self.options_: dict[str, Any] = {}
        self.hooks_: list[Any] = []

    def __getstate__(self) -> dict[str, Any]:
        """Leave the hooks out: they hang on an optimizer, and a copy has another one."""
        return vars(self) | {"hooks_": []}

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        """Treat the network, unless it has been; take the proximal steps from now on."""
        options = {name: getattr(self, name) for name in OPTIONS}
        treated = getattr(net, "treated_", None)
        if treated is None or treated.module is not net.module_:
            self._treat(net, options)
        elif options != self.options_:
            raise InputError(
                "the options of Regularize have changed since its network was treated. Call fit,"
                " which starts anew, or set them back."
            )
        check_optimizers(net.treated_, [net.optimizer_])
        self._release()
        self.hooks_ = hook_steps(net.treated_, net.optimizer_, decay=False)

    def on_grad_computed(
        self,
        net: NeuralNet,
        named_parameters: Iterator[Any],  # noqa: ARG002
        X: Any = None,  # noqa: ARG002
        y: Any = None,  # noqa: ARG002
        training: bool | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Add the gradient."""
        add_penalty_gradient(net.treated_, net.optimizer_)
        net.treated_.decay_(net.optimizer_)  # skorch steps with a closure; this is inside

    def on_epoch_end(
        self,
        net: NeuralNet,
        dataset_train: Any = None,  # noqa: ARG002
        dataset_valid: Any = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Write down the two terms."""
        for name, value in named_terms(net.treated_).items():
            net.history.record(name, value)

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        """Leave the optimizer as it was."""
        self._release()

    def _treat(self, net: NeuralNet, options: dict[str, Any]) -> None:
        self._check_net(net)
        net.treated_ = regularize(net.module_, **options)
        self.options_ = options
        net.module_ = net.treated_.module
        if "treated_" not in net.cuda_dependent_attributes_:
            # Pickled together with module_ and optimizer_, so that they go on sharing tensors.
            net.cuda_dependent_attributes_ = [*net.cuda_dependent_attributes_, "treated_"]
        state = net.optimizer_.state_dict()
        net.initialize_optimizer()
        if state["state"]:  # loaded from a checkpoint before the first training
            net.optimizer_.load_state_dict(state)

    def _check_net(self, net: NeuralNet) -> None:
        if hasattr(net, "accelerator"):
            raise InputError(
                f"{type(net).__name__} has an accelerator, which has wrapped the network before"
                " Regularize can treat it. Use a net without one."
            )
        default = {name for name, _ in net.get_default_callbacks()}
        before = takewhile(lambda named: named[1] is not self, net.callbacks_)
        earlier = [name for name, _ in before if name not in default]
        if earlier:
            raise InputError(
                f"callbacks: {earlier[0]!r} comes before Regularize and may hold the network or the"
                " optimizer that Regularize replaces. Put Regularize first."
            )

    def _release(self) -> None:
        for hook in self.hooks_:
            hook.remove()
        self.hooks_ = []
