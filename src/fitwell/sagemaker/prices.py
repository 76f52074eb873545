"""What a job may cost, by the user's own table; fitwell knows no prices."""

from collections.abc import Mapping
from pathlib import Path

from fitwell.errors import InputError

HOUR = 3600


def read_prices(path: Path) -> dict[str, float]:
    """Read a YAML table of instance type to price per hour, such as ``ml.m5.xlarge: 0.23``.

    Raises:
        InputError: no such file, or no such table.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--prices {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--prices {path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(found, dict) or not found:
        raise InputError(f"--prices {path}: lines such as 'ml.m5.xlarge: 0.23' are expected.")
    for name, price in found.items():
        if isinstance(price, bool) or not isinstance(price, (int, float)) or not price >= 0:
            raise InputError(f"--prices {path}: {name} is {price!r}, but a number is expected.")
    return {str(name): float(price) for name, price in found.items()}


def cost(prices: Mapping[str, float], instance: str, seconds: float, count: int = 1) -> float:
    """Give what machines cost for some time, in the table's currency.

    With spot machines ``seconds`` are those that AWS bills; it counts them down, and not
    the price.

    Raises:
        InputError: the table does not have the instance.

    >>> cost({"ml.m5.xlarge": 0.23}, "ml.m5.xlarge", 7200, 2)
    0.92
    """
    if instance not in prices:
        raise InputError(f"--prices has no line for {instance}. Add '{instance}: PRICE_PER_HOUR'.")
    return prices[instance] * seconds * count / HOUR
