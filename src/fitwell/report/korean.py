"""The report's own words in Korean: English sentence to Korean sentence."""

from fitwell.report.korean_arms import KOREAN_ARMS
from fitwell.report.korean_detail import KOREAN_DETAIL
from fitwell.report.korean_findings import KOREAN_FINDINGS
from fitwell.report.korean_members import KOREAN_MEMBERS
from fitwell.report.korean_path import KOREAN_PATH
from fitwell.report.korean_start import KOREAN_START

KOREAN: dict[str, str] = {
    # arms
    "untreated": "정규화 없음",
    "early stopping": "조기 종료",
    "more shuffling": "셔플 강화",
    "larger training share": "학습 데이터 비율 확대",
    "smaller network": "더 작은 네트워크",
    "treatment": "정규화 적용",
    "treatment, refitted": "정규화 적용 후 재학습",
    # verdicts and severities
    "healthy": "정상",
    "overfitting": "과적합",
    "underfitting": "과소적합",
    "undecided": "판단 보류",
    "none": "없음",
    "mild": "경미",
    "moderate": "중간",
    "severe": "심각",
    "mild overfitting": "경미한 과적합",
    "moderate overfitting": "중간 정도의 과적합",
    "severe overfitting": "심각한 과적합",
    "baseline": "기준",
    "better": "더 나음",
    "worse": "더 나쁨",
    "no difference shown": "차이 확인되지 않음",
    # the answer
    "Your network reads {train} on the rows it was trained on and {test} on new rows:"
    " a gap of {gap} points ({level} interval {low} to {high}), {verdict}.": (
        "이 네트워크의 정확도는 학습에 쓴 데이터에서 {train}, 새 데이터에서 {test}입니다."
        " 격차는 {gap}%p({level} 신뢰구간 {low} ~ {high})로, {verdict}입니다."
    ),
    "healthy: the gap is within the tolerance": "격차가 허용 범위 안에 있는 정상 상태",
    "underfitting: it does worse on its own rows than a linear model": (
        "학습 데이터조차 선형 모델보다 못 맞히는 과소적합"
    ),
    "undecided: the test part is too small to tell": (
        "테스트 세트가 작아 판단을 보류해야 하는 수준"
    ),
    "mild overfitting, which shows in the log-loss": "로그 손실에서 드러나는 경미한 과적합",
    "No regularization that was tried was clearly better on held-out rows,"
    " so nothing is regularized.": (
        "시도한 정규화 중 학습에 쓰지 않은 행에서 뚜렷하게 더 나은 것이 없어 정규화를 적용하지"
        " 않았습니다."
    ),
    "With {settings}": "{settings} 설정으로 학습하면",
    "With {settings}, refitted on training and validation rows together,": (
        "{settings} 설정으로 학습 세트와 검증 세트를 합쳐 다시 학습하면"
    ),
    "Stopped early,": "조기 종료만 적용하면",
    "Stopped early and refitted on training and validation rows together,": (
        "조기 종료 시점까지 학습 세트와 검증 세트를 합쳐 다시 학습하면"
    ),
    "{how} it reads {test} on new rows{mean}, {gains}: {verdict}.": (
        "{how} 새 데이터 정확도는 {test}{mean}이며, {gains}입니다. {verdict}."
    ),
    "{how} it reads {test} on new rows, with a gap of {gap} points {bounds}.": (
        "{how} 새 데이터 정확도는 {test}, 격차는 {gap}%p {bounds}입니다."
    ),
    " (mean of {count} trainings; the untreated network's mean is {untreated})": (
        "(학습 {count}회 평균, 정규화 없는 네트워크의 평균은 {untreated})"
    ),
    "{points} points {bounds} more than {other}": "{other} 대비 {signed}%p {signed_bounds}",
    "{points} points {bounds} less than {other}": "{other} 대비 {signed}%p {signed_bounds}",
    "the untreated network at its last epoch": "정규화 없이 마지막 에폭까지 학습한 네트워크",
    "stopping it early": "조기 종료",
    " (no difference shown)": "(차이 확인되지 않음)",
    "better than {baseline}": "{baseline}보다 더 좋습니다",
    "worse than {baseline}": "{baseline}보다 더 나쁩니다",
    "no difference shown against {baseline}": "{baseline} 대비 차이는 확인되지 않았습니다",
    "this is the baseline itself": "이것이 비교 기준 자체입니다",
    "Against {baseline}, regularization alone brings {treated} points {treated_bounds} and the"
    " added training rows alone {rows} points {rows_bounds}.": (
        "{baseline} 대비 정규화만 적용했을 때의 변화는 {treated}%p {treated_bounds}, 학습 데이터만"
        " 늘렸을 때의 변화는 {rows}%p {rows_bounds}입니다."
    ),
    "The rival “{name}” reads more: {test}, {gain}.": (
        "경쟁 방법인 ‘{name}’의 정확도는 {test}로 더 높습니다({gain})."
    ),
    "In log-loss, the validation rows promised {promised} for the choice, and rows without a say"
    " in it say {estimated}: an optimism of {optimism}{open}.": (
        "선택한 설정의 로그 손실은 검증 세트에서 {promised}로 예상되었고, 선택에 관여하지 않은"
        " 데이터로는 {estimated}로 추정되며, 그 차이인 낙관 편향은 {optimism}입니다{open}."
    ),
    # settings
    "dropout": "드롭아웃",
    "decoupled L2": "분리형 가중치 감쇠",
    "timescale {epochs} epochs": "시간 척도 {epochs}에폭",
    "fading to 0": "후반에 0까지 감소",
    "by layer": "층별 설정",
    "layers {names}": "층 {names}",
    "fading": "점진적 감소",
    "dropout and decay fall to 0 in the second half of the epochs": (
        "학습 후반에 드롭아웃과 가중치 감쇠를 0까지 줄임"
    ),
    "batch norm": "배치 정규화",
    "batch size": "배치 크기",
    "sampling": "표본 추출",
    "reshuffle": "에폭마다 다시 섞기",
    "replacement": "복원 추출",
    "trained on validation rows too": "검증 세트까지 학습에 사용",
    "epochs": "에폭 수",
    "width times": "너비 배율",
    "hidden layers removed": "줄인 은닉층 수",
    "on": "사용",
    "off": "사용 안 함",
    # tables
    "Before": "적용 전",
    "After": "적용 후",
    "Best reachable": "도달 가능한 최고",
    "Before and after, with {level} intervals in brackets": (
        "적용 전후 비교(대괄호 안은 {level} 신뢰구간)"
    ),
    "Network": "네트워크",
    "Training accuracy": "학습 정확도",
    "Test accuracy": "테스트 정확도",
    "Gap in points": "격차(%p)",
    "Test balanced accuracy": "테스트 균형 정확도",
    "Training log-loss": "학습 로그 손실",
    "Test log-loss": "테스트 로그 손실",
    "Log-loss gap": "로그 손실 격차",
    "Evidence, each check with its interval": "진단 근거(각 항목의 신뢰구간 포함)",
    "Check": "점검 항목",
    "Measured": "측정값",
    "Threshold": "기준값",
    "Finding": "판단",
    "{number} points": "{number}%p",
    "Every arm on the same {rows} test rows": "같은 테스트 데이터 {rows}행에서 비교한 모든 방법",
    "Arm": "방법",
    "Against {baseline}, points": "{baseline} 대비(%p)",
    "p, Holm-adjusted": "p값(Holm 보정)",
    "Verdict": "판정",
    "Time": "소요 시간",
    "Trainings": "학습 횟수",
    "Parameters": "파라미터 수",
    "The chosen regularization": "선택된 정규화",
    "Strength": "항목",
    "Value": "값",
    "exact zeros": "정확히 0인 가중치",
    "Promised, estimated and got, in log-loss": "로그 손실의 예상값, 추정값, 실제값",
    "Rows": "행 수",
    "Log-loss": "로그 손실",
    "Part": "구분",
    "promised by the validation rows": "검증 세트에서 예상한 값",
    "estimated by rows without a say in the choice": "선택에 관여하지 않은 데이터로 추정한 값",
    "optimism of the search: estimated minus promised": "탐색의 낙관 편향(추정 − 예상)",
    "got on the test rows": "테스트 세트에서 얻은 값",
    # drawings
    "training": "학습",
    "test": "테스트",
    "validation": "검증",
    "Accuracy on training and test rows": "학습 데이터와 테스트 데이터의 정확도",
    "gap {number} points": "격차 {number}%p",
    "accuracy, %": "정확도(%)",
    "Log-loss by epoch": "에폭별 로그 손실",
    "kept epoch {epoch}": "선택한 에폭 {epoch}",
    "epoch": "에폭",
    "difference to {baseline}, points": "{baseline} 대비 정확도 차이(%p)",
    "Search: {count} trials": "탐색: 시행 {count}회",
    "{count} of them dropped on the way": "이 중 {count}회는 도중에 탈락",
    "lowest validation log-loss {lowest}": "최저 검증 로그 손실 {lowest}",
    "decay timescale, epochs": "감쇠 시간 척도(에폭)",
    "without regularization {level}": "정규화 없음 {level}",
    "Validation log-loss by strength": "강도별 검증 로그 손실",
    # the page
    "Before and after": "적용 전과 후",
    "The network today": "현재 네트워크",
    "training rows": "학습 데이터",
    "test rows": "테스트 데이터",
    "validation rows": "검증 데이터",
    "best reachable test accuracy, known since the data is made": (
        "도달 가능한 최고 테스트 정확도(합성 데이터라 알 수 있음)"
    ),
    "Bars are 95 % intervals.": "막대는 95% 신뢰구간입니다.",
    "Before is the network at its last epoch, without any treatment.": (
        "적용 전은 아무런 조치 없이 마지막 에폭까지 학습한 네트워크입니다."
    ),
    "Both rows show the first seed's network; the comparison below shows means over all seeds.": (
        "두 행 모두 첫 번째 시드의 네트워크이며, 아래 비교는 모든 시드의 평균입니다."
    ),
    "The data": "데이터",
    "Notes": "참고 사항",
    "Diagnosis": "진단",
    "A gap counts as real when its whole interval lies above the threshold.": (
        "신뢰구간 전체가 기준값보다 클 때만 실제 격차로 봅니다."
    ),
    "Advice": "권고",
    "What was tuned": "튜닝 결과",
    "Form": "적용 형태",
    "These losses are weighted by class, so they cannot be held against the test rows.": (
        "이 손실에는 클래스 가중치가 적용되어 있어 테스트 세트의 손실과 직접 비교할 수 없습니다."
    ),
    "The best of many trials looks better than it is. For the estimate the choice is made again"
    " without one fold at a time and read on that fold; optimism is the estimate minus the"
    " promise.": (
        "여러 시행 중 가장 좋은 결과는 실제보다 좋아 보이기 마련입니다. 추정값은 폴드를 하나씩 빼고"
        " 다시 선택한 설정을 빼 둔 폴드에서 측정한 값이며, 낙관 편향은 추정값에서 예상값을 뺀"
        " 차이입니다."
    ),
    "The best of many trials looks better than it is. How much was not estimated: rows in order"
    " of time, too few rows or a single setting leave no folds.": (
        "여러 시행 중 가장 좋은 결과는 실제보다 좋아 보이기 마련입니다. 시간순 데이터이거나 행이"
        " 너무 적거나 설정이 하나뿐이면 폴드를 만들지 않으므로 그 정도는 추정하지 않았습니다."
    ),
    "Comparison": "방법 비교",
    "Right of zero is better. Filled: shown after correction for several comparisons; hollow:"
    " no difference shown.": (
        "0보다 오른쪽이면 더 좋습니다. 채운 점은 다중 비교 보정 후에도 차이가 확인된 경우,"
        " 빈 점은 차이가 확인되지 않은 경우입니다."
    ),
    "The model that is saved is that of “{name}”.": "저장된 모델은 ‘{name}’의 모델입니다.",
    "Learning curves": "학습 곡선",
    "The dotted line marks the epoch whose weights are kept. Losses are without the penalties,"
    " in eval mode, of the first seed. An arm trained on all rows has no validation curve.": (
        "점선은 가중치를 선택한 에폭입니다. 손실은 첫 번째 시드를 평가 모드에서 잰 값으로 규제항을"
        " 포함하지 않습니다. 전체 데이터로 학습한 방법에는 검증 곡선이 없습니다."
    ),
    "The search": "하이퍼파라미터 탐색",
    "a trial": "시행",
    "a trial that was trained to its end": "끝까지 학습한 시행",
    "dropped on the way ({count}), at the loss it had reached": (
        "도중에 탈락한 시행({count}회, 탈락 시점까지의 손실)"
    ),
    "chosen": "선택된 설정",
    "without regularization, stopped early": "정규화 없이 조기 종료",
    "The finalists were judged on the folds too, so the choice need not be the lowest here.": (
        "최종 후보는 폴드에서도 평가하므로, 선택된 설정이 이 그림에서 가장 낮지 않을 수 있습니다."
    ),
    "Diverged and not drawn: {count}.": ("발산하여 그림에서 제외한 시행: {count}회."),
    "How it was done": "실행 정보",
    "Repeat it": "다시 실행하기",
    # facts
    "Data": "데이터",
    "Features": "특성 수",
    "Input of the network": "네트워크 입력 크기",
    "Training rows": "학습 세트",
    "Validation rows": "검증 세트",
    "Test rows": "테스트 세트",
    "Classes": "클래스",
    "Best reachable test accuracy": "도달 가능한 최고 테스트 정확도",
    " and {count} more": " 외 {count}개",
    "Kind of run": "실행 종류",
    "Started": "시작 시각",
    "Work": "작업량",
    "{trials} trials, {epochs} epochs, as long as {count} single trainings": (
        "시행 {trials}회, 에폭 {epochs}회, 네트워크 하나를 {count}번 학습한 시간"
    ),
    "Openings of the test part": "테스트 세트를 열어 본 횟수",
    "Data fingerprint, SHA-256": "데이터 지문(SHA-256)",
    "Seed of split and search": "분할과 탐색의 시드",
    "Seeds of the last trainings": "최종 학습의 시드",
    "Options": "옵션",
    "Versions": "버전",
    "loss + l1 Σ|w| + l2 Σw²; Adam; L1 by a proximal step in Adam's metric; decoupled L2"
    " beside it": (
        "손실 + λ₁ Σ|w| + λ₂ Σw², Adam, L1은 Adam의 계량에 따른 근접(proximal) 단계로, 분리형"
        " 가중치 감쇠는 손실과 별도로 적용"
    ),
    **KOREAN_ARMS,
    **KOREAN_DETAIL,
    **KOREAN_FINDINGS,
    **KOREAN_MEMBERS,
    **KOREAN_PATH,
    **KOREAN_START,
}
