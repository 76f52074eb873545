"""The words of the regularization path in Korean."""

KOREAN_PATH: dict[str, str] = {
    "The regularization path": "정규화 경로",
    "Path of {remedy} at the last epoch: validation log-loss {none} without it, lowest at"
    " {strength} with {lowest}": (
        "마지막 에폭 기준 {remedy} 경로: 적용하지 않으면 검증 로그 손실 {none}, {strength}에서"
        " {lowest}로 가장 낮음"
    ),
    "; the gap closes at {strength}": "; 격차는 {strength}에서 사라짐",
    "; too much from {strength} on": "; {strength}부터 과소적합",
    "One network per strength, trained for all epochs without stopping early; bands and brackets"
    " are 95 % intervals over rows. The gap closes where it is no longer shown to be above 0; too"
    " much begins where the validation loss is shown to be above the lowest.": (
        "강도마다 조기 종료 없이 마지막 에폭까지 학습한 네트워크 하나씩이며, 띠와 대괄호는 데이터"
        " 행에 대한 95% 신뢰구간입니다. 격차가 0보다 크다고 확인되지 않는 지점에서 격차가 해소된"
        " 것으로 보고, 검증 손실이 최저보다 높다고 확인되는 지점부터 과소적합으로 봅니다."
    ),
    "Every strength of the path, with {level} intervals in brackets": (
        "경로의 모든 강도(대괄호 안은 {level} 신뢰구간)"
    ),
    "Strength tried": "시도한 강도",
    "Stopped early": "조기 종료 시",
    "Gap in log-loss": "로그 손실 격차",
    "gap closes": "격차 해소",
    "too much": "과소적합",
    "lowest": "최저",
    "Validation log-loss": "검증 로그 손실",
    "Exact zeros": "정확히 0인 가중치",
}
