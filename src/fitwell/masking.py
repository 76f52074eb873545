"""Addresses without their passwords, for whatever is shown or stored."""

import re


def masked(text: str) -> str:
    """Put three stars where an address holds a password.

    >>> masked("--storage postgresql://ann:secret@host/trials")
    '--storage postgresql://ann:***@host/trials'
    """
    return re.sub(r"(\w://[^\s:/@]*):[^\s/]*@", r"\1:***@", text)
