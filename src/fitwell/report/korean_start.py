"""The words of a start from given weights in Korean."""

KOREAN_START: dict[str, str] = {
    "treatment, continued": "기존 가중치에서 이어서 정규화 적용",
    "treatment, shrunk and perturbed": "기존 가중치를 축소·섭동한 뒤 정규화 적용",
    "as given": "주어진 가중치 그대로",
    "Your weights read {given} on new rows as they are. Against “{baseline}”, the same training"
    " from new weights, {starts}.": (
        "주어진 가중치 그대로의 새 데이터 정확도는 {given}입니다. 같은 설정으로 새 가중치에서"
        " 학습한 ‘{baseline}’ 대비 변화는 {starts}입니다."
    ),
    "continuing from them": "이어서 학습하면",
    "shrinking and perturbing them first": "축소·섭동한 뒤 학습하면",
    "{how} brings {points} points {bounds} ({verdict}; log-loss {loss} {loss_bounds})": (
        "{how} {points}%p {bounds}({verdict}, 로그 손실 {loss} {loss_bounds})"
    ),
    "They have probably seen validation rows: see the notes.": (
        "단, 검증 세트를 이미 학습한 가중치일 가능성이 높습니다(참고 사항 확인)."
    ),
    "They have probably seen test rows, so do not believe this: see the notes.": (
        "단, 테스트 세트를 이미 학습한 가중치일 가능성이 높아 이 결과를 믿어서는 안 됩니다"
        "(참고 사항 확인)."
    ),
    "Which rows they were trained on is not known: see the notes.": (
        "단, 이 가중치가 어떤 행으로 학습되었는지는 알 수 없습니다(참고 사항 확인)."
    ),
    "The given weights read training rows better than validation and test rows, which look alike:"
    " so they look as if trained on the training rows alone, as a fair comparison needs. That they"
    " saw a few other rows cannot be ruled out.": (
        "주어진 가중치는 학습 세트를 검증 세트와 테스트 세트보다 더 잘 맞히고, 뒤의 두 세트"
        " 사이에는 차이가 확인되지 않았습니다. 공정한 비교에 필요한 대로 학습 세트만으로 학습한"
        " 가중치로 보이지만, 다른 행을 일부 보았을 가능성까지 배제할 수는 없습니다."
    ),
    "The given weights read validation rows better than test rows, so they have probably seen"
    " validation rows: both starts then stop by rows that they know, and had more rows than"
    " training anew had.": (
        "주어진 가중치가 검증 세트를 테스트 세트보다 더 잘 맞히므로 검증 세트를 이미 학습했을"
        " 가능성이 높습니다. 그렇다면 이 가중치에서 출발한 두 학습은 이미 아는 행을 기준으로"
        " 멈추며, 새로 학습한 경우보다 더 많은 행을 본 셈입니다."
    ),
    "The given weights read test rows better than validation rows, so they have probably seen test"
    " rows: what the arms that use them read on test rows is then too good, and should not be"
    " believed.": (
        "주어진 가중치가 테스트 세트를 검증 세트보다 더 잘 맞히므로 테스트 세트를 이미 학습했을"
        " 가능성이 높습니다. 그렇다면 이 가중치를 쓰는 방법들의 테스트 결과는 실제보다 좋게 나온"
        " 것이므로 믿어서는 안 됩니다."
    ),
    "Nothing shows which rows the given weights were trained on. If validation or test rows are"
    " among them, what the arms that use them read on test rows is too good; trust it only if you"
    " know that they are not.": (
        "주어진 가중치가 어떤 행으로 학습되었는지 알 수 없습니다. 그중에 검증 세트나 테스트 세트가"
        " 있다면 이 가중치를 쓰는 방법들의 테스트 결과는 실제보다 좋게 나온 것입니다. 그렇지 않음을"
        " 알고 있을 때만 믿으세요."
    ),
}
