"""What is said of models that are the mean of several networks, in Korean."""

KOREAN_MEMBERS: dict[str, str] = {
    "early stopping, bag": "조기 종료 배깅",
    "treatment, bag": "정규화 적용 배깅",
    "treatment, greedy": "정규화 적용 탐욕 앙상블",
    "With {settings}, as the mean of {count} networks on different cuts of the rows,": (
        "{settings} 설정으로 데이터를 서로 다르게 나눠 학습한 네트워크 {count}개를 평균하면"
    ),
    "Stopped early, as the mean of {count} networks on different cuts of the rows,": (
        "데이터를 서로 다르게 나눠 조기 종료로 학습한 네트워크 {count}개를 평균하면"
    ),
    "As the mean of the finalists, weighted by the validation rows ({count} of them above 0),": (
        "최종 후보들을 검증 세트로 정한 비중(0보다 큰 것 {count}개)에 따라 평균하면"
    ),
    "Mean against mean, “{name}” minus “{other}” is {accuracy} points {accuracy_bounds} in"
    " accuracy and {loss} {loss_bounds} in log-loss.": (
        "평균끼리 비교하면 ‘{name}’에서 ‘{other}’을 뺀 차이는 정확도 {accuracy}%p"
        " {accuracy_bounds}, 로그 손실 {loss} {loss_bounds}입니다."
    ),
    "The saved model is the weighted mean of these networks": (
        "저장된 모델은 다음 네트워크의 가중 평균입니다"
    ),
    "Member": "네트워크",
    "Weight": "비중",
    "Kept epoch": "선택한 에폭",
    "Training cut": "학습에 쓴 데이터",
    "Settings": "설정",
    "none but stopping early": "조기 종료만 적용",
    "all but the test rows and fold {number}": "테스트 세트와 {number}번 폴드를 뺀 전체",
    "The validation rows stopped these networks early and weighted them, so they make no promise"
    " for the mean.": (
        "검증 세트로 이 네트워크들의 학습을 멈추고 비중도 정했으므로, 검증 세트의 손실로는 평균의"
        " 성능을 예상할 수 없습니다."
    ),
    "Most of these networks were trained on any given row, and one was stopped by it: the training"
    " scores are of such rows.": (
        "어느 행이든 이 네트워크 대부분이 학습에 썼고 하나는 학습을 멈추는 데 썼습니다. 학습"
        " 점수는 이런 행에서 잰 값입니다."
    ),
}
