"""A smaller network: narrower hidden layers, or one of them less."""

from fitwell.remedies.remedy import Parameter, Remedy

REMEDY = Remedy(
    name="network size",
    parameters=(
        Parameter(name="width", choices=(0.5, 0.25, 0.125), default=0.5),
        Parameter(name="removed_layers", choices=(0, 1), default=0),
    ),
)
