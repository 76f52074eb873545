"""What lower floors say, in Korean: findings, advice, and notes that hold numbers or names."""

KOREAN_FINDINGS: dict[str, str] = {
    # checks, findings and advice of the diagnosis
    "gap in accuracy": "정확도 격차",
    "gap in log-loss": "로그 손실 격차",
    "rise of the validation loss": "검증 손실의 상승폭",
    "training loss above a linear model's": "선형 모델 대비 학습 손실 초과분",
    "The gap between training and test accuracy is larger than the tolerance.": (
        "학습 정확도와 테스트 정확도의 격차가 허용 범위를 넘습니다."
    ),
    "The gap between training and test accuracy is within the tolerance.": (
        "학습 정확도와 테스트 정확도의 격차가 허용 범위 안에 있습니다."
    ),
    "The test part is too small to tell whether the gap is within the tolerance.": (
        "테스트 세트가 작아 격차가 허용 범위 안인지 판단할 수 없습니다."
    ),
    "The log-loss is higher on test rows than on training rows.": (
        "테스트 데이터의 로그 손실이 학습 데이터보다 높습니다."
    ),
    "No difference in log-loss between training and test rows is shown.": (
        "학습 데이터와 테스트 데이터의 로그 손실 차이는 확인되지 않았습니다."
    ),
    "The validation loss rose after its best epoch: stopping earlier would have helped.": (
        "검증 손실이 최적 에폭 이후 상승했습니다. 더 일찍 멈췄다면 도움이 되었을 것입니다."
    ),
    "The validation loss did not rise after its best epoch.": (
        "최적 에폭 이후 검증 손실이 상승하지 않았습니다."
    ),
    "The network fits its own training rows worse than a linear model does.": (
        "네트워크가 학습 데이터를 선형 모델보다 못 맞힙니다."
    ),
    "The network fits its own training rows at least as well as a linear model.": (
        "네트워크가 학습 데이터를 적어도 선형 모델만큼 맞힙니다."
    ),
    "Tune L1, L2 and dropout on this architecture, and compare the result with early stopping.": (
        "이 구조에서 L1, L2, 드롭아웃을 튜닝하고 그 결과를 조기 종료와 비교하세요."
    ),
    "Stop at the best epoch of a validation part: it costs nothing and closes part of the gap.": (
        "검증 세트 기준 최적 에폭에서 학습을 멈추세요. 추가 비용 없이 격차를 일부 줄일 수 있습니다."
    ),
    "Look for rows that stand in both parts, and for a shift between them, before treating.": (
        "조치에 앞서 학습·테스트 세트에 중복된 행이 있는지, 두 세트의 분포가 다른지 확인하세요."
    ),
    "Collect more test rows, or repeat over several splits, before acting on the gap.": (
        "격차에 대응하기 전에 테스트 데이터를 더 모으거나 여러 분할에서 반복해 보세요."
    ),
    "Train longer, with a larger learning rate or a larger network; regularize less.": (
        "학습을 더 오래 하거나 학습률 또는 네트워크를 키우고, 정규화는 줄이세요."
    ),
    "No treatment is called for. Keep the network as it is.": (
        "조치가 필요하지 않습니다. 네트워크를 그대로 쓰세요."
    ),
}

KOREAN_NOTES: tuple[tuple[str, str], ...] = (
    (r"(\d+) rows without a target were dropped\.", r"타깃이 없는 행 \1개를 제외했습니다."),
    (
        r"(\d+) columns that only the test file has were ignored\.",
        r"테스트 파일에만 있는 열 \1개를 무시했습니다.",
    ),
    (
        r"(\d+) columns? without any value left out: (.*)\.",
        r"값이 없는 열 \1개를 제외했습니다: \2.",
    ),
    (
        r"(\d+) columns? with one value only left out: (.*)\.",
        r"값이 하나뿐인 열 \1개를 제외했습니다: \2.",
    ),
    (
        r"(\d+) columns? of text that differs in every row left out: (.*)\.",
        r"행마다 값이 다른 텍스트 열 \1개를 제외했습니다: \2.",
    ),
    (
        r"Infinite values are taken as missing in (.*)\.",
        r"다음 열의 무한대 값은 결측값으로 처리했습니다: \1.",
    ),
    (
        r"(\d+) of (\d+) rows repeat an earlier row's features\.",
        r"전체 \2행 중 \1행은 앞선 행과 특성 값이 모두 같습니다.",
    ),
    (
        r"(\d+) rows without (.*) count as a group each\.",
        r"그룹 열(\2) 값이 없는 행 \1개는 각각 하나의 그룹으로 보았습니다.",
    ),
    (
        r"(\d+) images of 16 bits per pixel were brought to 8\.",
        r"픽셀당 16비트인 이미지 \1개를 8비트로 변환했습니다.",
    ),
    (
        r"Images were resized to (\d+) x (\d+) pixels\.",
        r"이미지 크기를 \1 × \2 픽셀로 맞췄습니다.",
    ),
    (r"Trials that diverged and were left out: (\d+)\.", r"발산한 시행 \1회를 제외했습니다."),
    (
        r"The arm 'smaller network' is left out: a network of your own needs a factory with a"
        r" parameter width, a fraction that scales its hidden layers\.",
        r"'더 작은 네트워크' 방법은 제외했습니다. 직접 만든 네트워크라면 은닉층 너비를 조절하는"
        r" width 인자를 팩토리가 받아야 합니다.",
    ),
    (
        r"L1 is not searched: exact zeros need SGD, Adam, AdamW or RMSprop, and the optimizer"
        r" is (.*)\.",
        r"L1은 탐색하지 않았습니다. 정확히 0인 가중치를 얻으려면 SGD, Adam, AdamW 또는 RMSprop이"
        r" 필요한데 옵티마이저가 \1입니다.",
    ),
    (
        r"Trained, stopped and chosen by your own loss (.*); curves, trials, the path and what was"
        r" promised are in its unit, scores are cross-entropy\.",
        r"직접 만든 손실 함수 \1로 학습하고, 멈추고, 골랐습니다. 곡선, 시행, 경로, 예상 손실은 이"
        r" 손실의 단위이며 평가 점수는 교차 엔트로피입니다.",
    ),
    (
        r"loss \+ l1 Σ\|w\| \+ l2 Σw²; (.*); L1 by a proximal step in (.*)'s metric; decoupled L2"
        r" beside it",
        r"손실 + λ₁ Σ|w| + λ₂ Σw², \1, L1은 \1의 계량에 따른 근접(proximal) 단계로, 분리형 가중치"
        r" 감쇠는 손실과 별도로 적용",
    ),
    (
        r"loss \+ l2 Σw²; (.*); decoupled L2 beside it",
        r"손실 + λ₂ Σw², \1, 분리형 가중치 감쇠는 손실과 별도로 적용",
    ),
    (
        r"The logger (.*?) failed and was left out from then on: (.*)\.",
        r"로거 \1이(가) 실패하여 이후 기록에서 제외했습니다: \2.",
    ),
    (
        r"The run was stopped after (.*) of (.*) outer resamples\.",
        r"바깥 재표본 \2회 중 \1회까지 마치고 실행을 멈췄습니다.",
    ),
    (
        r"There are no outer resamples, since rows, groups or moments are too few or the run"
        r" was stopped: differences are of the test rows and say nothing of new training data\.",
        r"행이나 그룹, 시점이 너무 적거나 실행이 중단되어 바깥 재표본이 없습니다. 차이는 테스트"
        r" 행에서 잰 것이며 새로운 학습 데이터에 대해서는 아무것도 말해 주지 않습니다.",
    ),
)
"""Sentences that hold numbers or names: a regular expression and what its groups go into."""

KOREAN_NOTES_ON_ARMS: tuple[tuple[str, str], ...] = (
    (
        r"Folds on which the untreated network diverged have no say: lower the learning rate\."
        r" Searches: (.*)\.",
        r"정규화 없는 네트워크가 발산한 폴드는 선택에서 제외했습니다. 학습률을 낮추십시오."
        r" 해당 탐색: \1.",
    ),
    (
        r"No setting beat the plain one, so nothing is changed in: (.*)\.",
        r"기본 설정보다 나은 설정이 없어 다음 방법은 기본 설정 그대로입니다: \1.",
    ),
    (
        r"The time budget ended the search early: (.*)\.",
        r"시간 예산이 끝나 탐색을 일찍 마쳤습니다: \1.",
    ),
    (
        r"The search was stopped, and the best so far is taken without further folds: (.*)\.",
        r"탐색을 중단하고, 추가 폴드 없이 그때까지 가장 나은 설정을 택했습니다: \1.",
    ),
)
"""The same; the group is a list of arms, whose names are translated too."""
