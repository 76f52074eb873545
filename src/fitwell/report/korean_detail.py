"""What is said of the test rows in detail, of the weights and of trials, in Korean."""

KOREAN_DETAIL: dict[str, str] = {
    # class by class
    "Class by class": "클래스별 성능",
    "The network finds the rows of “{best}” best (recall {best_recall}) and those of “{least}”"
    " least (recall {least_recall}).": (
        "가장 잘 찾아내는 클래스는 ‘{best}’(재현율 {best_recall}), 가장 많이 놓치는 클래스는"
        " ‘{least}’(재현율 {least_recall})입니다."
    ),
    "Confusion matrix": "혼동 행렬",
    "Rows by right class, columns by predicted class": "행은 실제 클래스, 열은 예측 클래스",
    "{count} of {rows} rows of “{true}” are called “{called}” ({share})": (
        "실제 ‘{true}’ {rows}행 중 {count}행을 ‘{called}’(으)로 예측({share})"
    ),
    "predicted": "예측",
    "right": "맞힌 경우",
    "wrong": "틀린 경우",
    "Each row of the drawing is a class of the test rows, each column what the network calls them:"
    " the stronger the colour, the larger the share of the row.": (
        "그림의 행은 테스트 데이터의 실제 클래스, 열은 네트워크가 예측한 클래스입니다."
        " 색이 진할수록 그 행에서 차지하는 비율이 큽니다."
    ),
    "Classes of the test rows, with {level} intervals in brackets": (
        "테스트 데이터의 클래스별 성능(대괄호 안은 {level} 신뢰구간)"
    ),
    "Class": "클래스",
    "Recall": "재현율",
    "Recall before": "적용 전 재현율",
    "Precision": "정밀도",
    "F1": "F1 점수",
    "Recall is the share of a class's rows that are found, precision the share of the calls that"
    " are right, F1 their harmonic mean.": (
        "재현율은 그 클래스의 행 중 찾아낸 비율, 정밀도는 그 클래스로 예측한 것 중 맞은 비율이며,"
        " F1 점수는 둘의 조화 평균입니다."
    ),
    "Not shown are {count} classes with fewer rows; result.json has them.": (
        "행이 더 적은 클래스 {count}개는 표에서 생략했으며 result.json에 있습니다."
    ),
    # calibration
    "Do the probabilities come true?": "예측 확률은 맞는가(캘리브레이션)",
    "Predicted and observed": "예측 확률과 실제 비율",
    "expected calibration error {error}": "기대 캘리브레이션 오차 {error}",
    "Predicted probabilities are off by {error} points on average (expected calibration"
    " error){before}; perfectly calibrated ones would show {chance} by chance on so many rows.": (
        "예측 확률은 실제 비율과 평균 {error}%p 어긋납니다(기대 캘리브레이션 오차{before})."
        " 확률이 완벽하게 맞더라도 이 행 수에서는 우연만으로 {chance}%p 정도 어긋나 보입니다."
    ),
    ", before by {error}": ", 적용 전 {error}%p",
    "{predicted} predicted, {observed} {bounds} came true ({rows} rows)": (
        "예측 {predicted}, 실제 {observed} {bounds}({rows}행)"
    ),
    "predicted, %": "예측 확률(%)",
    "came true, %": "실제 비율(%)",
    "% of the test rows": "테스트 데이터 중 비율(%)",
    "Probability of “{positive}”, in 10 bins of equal width. Points on the dashed line come true as"
    " often as predicted; below it the network promises too much. Bars are 95 % intervals. The"
    " other drawing shows how often each probability is said.": (
        "‘{positive}’일 확률을 너비가 같은 10개 구간으로 나누었습니다. 점이 점선 위에 있으면"
        " 예측한 만큼 실제로 일어난 것이고, 점선보다 아래면 확률을 실제보다 높게 예측한 것입니다."
        " 막대는 95% 신뢰구간입니다. 다른 그림은 각 확률을 얼마나 자주 예측하는지 보여 줍니다."
    ),
    "Probability of the class that is called, in 10 bins of equal width. Points on the dashed line"
    " come true as often as predicted; below it the network is too sure. Bars are 95 % intervals."
    " The other drawing shows how often each probability is said.": (
        "예측한 클래스의 확률을 너비가 같은 10개 구간으로 나누었습니다. 점이 점선 위에 있으면"
        " 예측한 만큼 실제로 맞은 것이고, 점선보다 아래면 지나치게 확신한 것입니다. 막대는 95%"
        " 신뢰구간입니다. 다른 그림은 각 확률을 얼마나 자주 예측하는지 보여 줍니다."
    ),
    "How true the probabilities are": "예측 확률의 캘리브레이션",
    "Measure": "지표",
    "expected calibration error": "기대 캘리브레이션 오차(ECE)",
    "by chance, were they true": "확률이 완벽할 때 우연히 나오는 값",
    "Brier score": "브라이어 점수",
    "The Brier score is the mean squared distance of the probabilities from what came true: 0 is"
    " best.": (
        "브라이어 점수는 예측 확률과 실제 결과의 차이를 제곱해 평균한 값으로, 0이 가장 좋습니다."
    ),
    # ranking and costs
    "Where to draw the line": "판정 기준 정하기",
    "A row of “{positive}” gets a higher probability of it than a row of “{negative}” in {auc} of"
    " all pairs (AUC){before}.": (
        "‘{positive}’ 행과 ‘{negative}’ 행을 하나씩 짝지으면 {auc}의 쌍에서 ‘{positive}’ 행의"
        " 예측 확률이 더 높습니다(AUC{before})."
    ),
    ", before in {auc}": ", 적용 전 {auc}",
    "ROC curve": "ROC 곡선",
    "threshold {threshold}: sensitivity {sensitivity}, specificity {specificity}": (
        "임곗값 {threshold}: 민감도 {sensitivity}, 특이도 {specificity}"
    ),
    "at specificity {asked}: sensitivity {sensitivity}": "특이도 {asked}에서 민감도 {sensitivity}",
    "false positive rate, %": "거짓 양성률(%)",
    "sensitivity, %": "민감도(%)",
    "The further up and left, the better. Points mark specificities of 90 and 95 %; bars are 95 %"
    " intervals of the sensitivity.": (
        "곡선이 왼쪽 위에 가까울수록 좋습니다. 점은 특이도 90%와 95%이며, 막대는 민감도의 95%"
        " 신뢰구간입니다."
    ),
    "Cost curve": "비용 곡선",
    "{ratio}: cost {cost}, threshold {threshold}": "{ratio}: 비용 {cost}, 임곗값 {threshold}",
    "probability-cost of a missed positive": "양성을 놓치는 오류의 확률 비용",
    "normalized cost": "정규화한 비용",
    "Lower is better. Lines are at the best threshold for each place, seen afterwards; points are"
    " what thresholds set beforehand cost where a missed positive costs 1, 5 and 10 false alarms."
    " Dashed: one class for all.": (
        "낮을수록 좋습니다. 선은 지점마다 사후에 고른 최적 임곗값의 비용이고, 점은 양성 하나를"
        " 놓치는 비용이 거짓 경보의 1배, 5배, 10배일 때 미리 정해 둔 임곗값의 비용입니다. 점선은"
        " 모든 행을 한 클래스로 예측한 경우입니다."
    ),
    "AUC": "AUC",
    "Gini, 2 · AUC − 1": "지니 계수(2 · AUC − 1)",
    "KS, largest difference of both rates": "KS 통계량(민감도 − 거짓 양성률의 최댓값)",
    "sensitivity at specificity {asked}": "특이도 {asked}에서의 민감도",
    "Ranking, positive is “{positive}”": "순위 성능(양성은 ‘{positive}’)",
    "no row called": "양성 예측 없음",
    "threshold {threshold}": "임곗값 {threshold}",
    "Normalized cost: 1 is every row wrong": "정규화한 비용(모든 행을 틀리면 1)",
    "Missed positive : false alarm": "놓친 양성 : 거짓 경보",
    "Probability threshold": "임곗값",
    "Lowest, seen afterwards": "사후 최저",
    "One class for all": "한 클래스로만 예측",
    "Positive is “{positive}”, the second class as sorted.": (
        "양성은 정렬했을 때 두 번째 클래스인 ‘{positive}’입니다."
    ),
    "Intervals of AUC and Gini are DeLong's, of the sensitivity and the costs Wilson's, of KS"
    " Smirnov's, which allows for its being picked. Each specificity is kept on these test rows by"
    " the lowest threshold that does. With costs m of a missed positive and f"
    " of a false alarm and the share π of positives, the place on the cost curve is x = π·m /"
    " (π·m + (1 − π)·f), and the normalized cost is (1 − sensitivity)·x + (1 − specificity)·(1 −"
    " x). Rows are called positive from f / (m + f) on, which is best where probabilities come"
    " true.": (
        "AUC와 지니 계수의 신뢰구간은 DeLong 방식, 민감도와 비용의 신뢰구간은 Wilson 방식, KS"
        " 통계량의 신뢰구간은 최댓값을 골랐다는 점까지 반영하는 Smirnov 방식입니다. 각"
        " 특이도는 이 테스트 데이터에서 그 값을 지키는 가장 낮은 임곗값으로 맞추었습니다. 양성을"
        " 놓치는 비용을 m, 거짓 경보의 비용을 f, 양성의 비율을 π라고 하면 비용 곡선의 가로 위치는"
        " x = π·m / (π·m + (1 − π)·f), 정규화한 비용은 (1 − 민감도)·x + (1 − 특이도)·(1 − x)입니다."
        " 임곗값 f / (m + f) 이상이면 양성으로 예측하며, 확률이 실제와 맞을 때 이것이 최적입니다."
    ),
    # layers
    "The weights, layer by layer": "층별 가중치",
    "Share of weights that are exactly zero": "정확히 0인 가중치의 비율",
    "{zeros} of {weights} weights are zero ({share})": (
        "가중치 {weights}개 중 {zeros}개가 0({share})"
    ),
    "exactly zero, %": "정확히 0인 비율(%)",
    "Penalized weights of the saved network": "저장된 네트워크의 규제 대상 가중치",
    "all layers": "전체 층",
    "Layer": "층",
    "Shape": "형태",
    "Weights": "가중치 수",
    "Share of zeros": "0의 비율",
    "Norm": "노름",
    "Only weights that can be penalized are listed: no biases, norms or embeddings. The norm is the"
    " square root of the sum of squares.": (
        "규제 대상이 되는 가중치만 표시하며 편향, 정규화 층, 임베딩은 제외합니다. 노름은 제곱합의"
        " 제곱근입니다."
    ),
    "Of a mean of networks, the layers of the same name count together.": (
        "여러 네트워크의 평균인 경우 이름이 같은 층을 합산합니다."
    ),
    "Not shown are {count} smaller layers; result.json has them.": (
        "더 작은 층 {count}개는 생략했으며 result.json에 있습니다."
    ),
    # trials
    "Every trial: the finished ones, then the dropped, each by validation log-loss": (
        "모든 시행(끝까지 학습한 시행 먼저, 검증 로그 손실이 낮은 순)"
    ),
    "Trial": "시행",
    "Epochs run": "진행한 에폭",
    "Its end": "결과",
    "finished": "완료",
    "dropped": "탈락",
    "diverged": "발산",
    "All trials as a table": "모든 시행을 표로 보기",
    "Point at a chart, or move through it with the tab key, to read its numbers.": (
        "차트 위에 마우스를 올리거나 탭(Tab) 키로 이동하면 수치를 볼 수 있습니다."
    ),
}
