"""What is said of the arms of a comparison and of its resamples, in Korean."""

KOREAN_ARMS: dict[str, str] = {
    "treatment with batch norm": "정규화와 배치 정규화 적용",
    "treatment, compacted": "정규화 적용 후 압축",
    "{how} it reads {test} on new rows{mean}; tuned and trained anew on {count} resamples it reads"
    " {gains}: {verdict}.": (
        "{how} 새 데이터 정확도는 {test}{mean}입니다. 데이터를 {count}회 다시 나눠 튜닝과 학습을"
        " 처음부터 반복한 결과는 {gains}입니다. {verdict}."
    ),
    "The rival “{name}” reads more on the {count} resamples: {gain}: {verdict}.": (
        "경쟁 방법인 ‘{name}’의 정확도는 재표본 {count}회에서 더 높습니다({gain}). {verdict}."
    ),
    " The two were not tested against each other.": (
        " 다만 둘을 직접 비교해 검정하지는 않았습니다."
    ),
    " Against it “{name}” reads {points} points {bounds}: {verdict}.": (
        " 이 방법과 직접 비교하면 ‘{name}’의 차이는 {points}%p {bounds}입니다. {verdict}."
    ),
    "“{name}” against each other action": "‘{name}’과 다른 방법의 직접 비교",
    "Against": "비교 대상",
    "Accuracy, points": "정확도 차이(%p)",
    "Every arm on {resamples} resamples and on the same {rows} test rows": (
        "재표본 {resamples}회와 동일한 테스트 행 {rows}개에서 비교한 모든 방법"
    ),
    "On the test rows, points": "테스트 행에서의 차이(%p)",
    "p, McNemar, first networks": "p값(McNemar, 첫 네트워크)",
    "All rows but the test rows were split anew {count} times, into {train} rows to tune and train"
    " on and {test} rows to judge by; every arm was tuned and trained from the beginning on each."
    " Intervals of differences are clustered by row and by resample (Cameron, Gelbach and Miller,"
    " 2011). A verdict needs the corrected resampled t-test (Nadeau and Bengio, 2003) besides: each"
    " p-value is the larger of the two, Holm-adjusted over the arms. The test rows were read once,"
    " at the end.": (
        "테스트 행을 뺀 모든 행을 {count}회 다시 나누어 {train}개 행으로 튜닝·학습하고 {test}개"
        " 행으로 평가했으며, 매번 모든 방법을 처음부터 튜닝하고 학습했습니다. 차이의 신뢰구간은"
        " 행과 재표본을 함께 군집으로 보아 계산했습니다(Cameron, Gelbach, Miller, 2011). 판정에는"
        " 보정된 재표본 t-검정(Nadeau와 Bengio, 2003)도 필요합니다. p값은 두 값 중 큰 쪽이며 방법"
        " 전체에 대해 Holm 방식으로 보정했습니다. 테스트 행은 마지막에 한 번만 읽었습니다."
    ),
    "Differences are paired by seed and test row; 95 % intervals in brackets, p-values by Holm over"
    " all arms.": (
        "차이는 시드와 테스트 행을 짝지어 계산했고, 대괄호 안은 95% 신뢰구간, p값은 모든 방법에"
        " 대해 Holm 방식으로 보정했습니다."
    ),
    "Every arm that searches had at most {trials} settings to try in each search.": (
        "탐색하는 각 방법은 탐색마다 최대 {trials}개의 설정을 시도했습니다."
    ),
    "Foreseen before anything was trained: a true gain of {gain} points would be shown 8 times"
    " of 10, if two networks disagree on a tenth of the rows; if on more, it takes a larger one.": (
        "학습 전에 계산한 검정력: 두 네트워크의 정오가 10%의 행에서 엇갈린다면 실제 향상이"
        " {gain}%p일 때 10번 중 8번은 확인할 수 있습니다. 더 많이 엇갈리면 향상이 더 커야 합니다."
    ),
    "What every arm costs": "방법별 비용",
    "Settings tried": "시도한 설정",
    "Time of the searches": "탐색 시간",
    "Not zero": "0이 아닌 값",
    "Inference, µs a row": "추론 시간(행당 µs)",
    "The test part was opened {times} times in this folder.": (
        "이 폴더에서 테스트 세트를 {times}회 열었습니다."
    ),
    "The runs beside this one opened the same test part: {names}.": (
        "옆 폴더의 실행이 같은 테스트 세트를 열었습니다: {names}."
    ),
    "What is chosen after a look at test rows is flattered by them: their intervals hold for the"
    " first look only.": (
        "테스트 행을 본 뒤에 고른 결과는 실제보다 좋아 보이므로, 그 신뢰구간은 처음 열었을 때에만"
        " 유효합니다."
    ),
}
