"""The report's two languages: the English sentence is the key of the Korean one."""

import re

from fitwell.report.korean import KOREAN as KOREAN
from fitwell.report.korean_findings import KOREAN_NOTES as KOREAN_NOTES
from fitwell.report.korean_findings import KOREAN_NOTES_ON_ARMS as KOREAN_NOTES_ON_ARMS


def translate(sentence: str, lang: str = "en") -> str:
    """Give a sentence in a language; the English sentence is the key and the fallback.

    Sentences that hold numbers or names, such as the notes on the data, are matched as
    patterns.

    >>> translate("early stopping", "ko"), translate("no such text", "ko")
    ('조기 종료', 'no such text')
    """
    if lang != "ko":
        return sentence
    if sentence in KOREAN:
        return KOREAN[sentence]
    for pattern, korean in KOREAN_NOTES:
        match = re.fullmatch(pattern, sentence)
        if match:
            return match.expand(korean)
    for pattern, korean in KOREAN_NOTES_ON_ARMS:
        match = re.fullmatch(pattern, sentence)
        if match:
            arms = ", ".join(translate(arm, lang) for arm in match[1].split(", "))
            return korean.replace(r"\1", arms)
    return sentence


def listed(parts: list[str], lang: str = "en") -> str:
    """Join what stands side by side in a sentence.

    >>> listed(["L1", "L2", "dropout"])
    'L1, L2 and dropout'
    """
    if lang == "ko" or len(parts) < 2:
        return ", ".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def noted(text: str, notes: list[str], lang: str = "en") -> str:
    """Set notes in brackets behind a text; Korean sets no space before them.

    >>> noted("dropout 0.42", ["fading to 0"]), noted("dropout 0.42", [])
    ('dropout 0.42 (fading to 0)', 'dropout 0.42')
    """
    if not notes:
        return text
    return f"{text}{'' if lang == 'ko' else ' '}({', '.join(notes)})"
