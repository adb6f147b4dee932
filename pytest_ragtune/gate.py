"""The gate: decide again over the scores in a report, without asking a model or a judge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .baseline import Baseline, BaselineCase, baseline_of, read_baseline, rounded, scores_by_case
from .checks import at_least, at_most, no_regression
from .errors import RagtuneError
from .records import Case, Evaluation, MetricInfo, Response, Score, Verdict

_FIELDS = ("scores", "reasons", "not_applicable", "case", "response")


@dataclass(frozen=True, slots=True)
class Demand:
    """What the scores of a report are held against."""

    at_least: Sequence[tuple[str, float]] = ()
    """Metric and threshold."""
    at_most: Sequence[tuple[str, float]] = ()
    """Metric and threshold."""
    baselines: Sequence[Path] = ()
    """Baseline files; each is compared with the evaluation of its pipeline."""
    margin: float = 0.0
    """Largest acceptable drop from a baseline."""
    metrics: Sequence[str] = ()
    """Metrics compared with baselines; all that both sides have unless given."""
    pipeline: str | None = None
    """Only this pipeline."""
    golden_set: str | None = None
    """Only this golden set."""
    confidence: float | None = None
    """Of the interval; None lets the mean decide thresholds, and 0.95 decide regressions."""
    max_unscored: int | float = 0
    """Cases, or a share of them, that may have no score."""
    common_only: bool = False
    """Compare the cases that are the same in both also when the golden set has changed."""


def scores_value(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation's scores as a value that JSON can carry: what :func:`read_report` reads back."""
    baseline = baseline_of(evaluation)
    exact = {name: scores_by_case(evaluation, name) for name in evaluation.scores}
    return {
        "pipeline": baseline.pipeline,
        "golden_set": baseline.golden_set,
        "fingerprint": baseline.fingerprint,
        "pipeline_identity": baseline.pipeline_identity,
        "metrics": {name: asdict(info) for name, info in evaluation.metrics.items()},
        "cases": {
            case.id: {name: value for name in _FIELDS if (value := getattr(case, name))}
            | {"scores": {name: exact[name][case.id].value for name in case.scores}}
            for case in baseline.cases.values()
        },
    }


def merged_scores(values: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One value a golden set, fingerprint and pipeline; what was measured later adds to what was before."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for value in values:
        key = (value["golden_set"], value["pipeline"], value["fingerprint"])
        known = found.setdefault(key, {**value, "metrics": {}, "cases": {}})
        known["metrics"].update(value["metrics"])
        if known.get("pipeline_identity") != value.get("pipeline_identity"):
            known["pipeline_identity"] = ""
        for case_id, case in value["cases"].items():
            into = known["cases"].setdefault(case_id, {})
            for name in ("scores", "reasons"):
                if name in case:
                    into[name] = {**into.get(name, {}), **case[name]}
            apart = sorted({*into.get("not_applicable", ()), *case.get("not_applicable", ())})
            into |= {"not_applicable": apart} if apart else {}
            into |= {name: case[name] for name in ("case", "response") if name in case}
    return [found[key] for key in sorted(found)]


def read_report(path: Path | str) -> list[dict[str, Any]]:
    """The scores in a JSON report.

    Raises:
        RagtuneError: the file is no report, of a newer schema, or was written without scores by case.
    """
    again = "write it with pytest --ragtune-report=FILE.json"
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RagtuneError(f"{path}: cannot be read as a JSON report ({error}); {again}") from error
    if not isinstance(report, dict) or "verdicts" not in report:
        raise RagtuneError(f"{path}: is JSON but no report; {again}")
    if report.get("schema") != 1:
        raise RagtuneError(
            f"{path}: has report schema {report.get('schema')!r}; this version reads schema 1; use the "
            "version of pytest-ragtune that wrote it, or write it again"
        )
    scores: list[dict[str, Any]] = report.get("scores", [])
    if not scores:
        raise RagtuneError(
            f"{path}: holds no scores by case: no test of that run evaluated anything; {again}"
        )
    return scores


def baselines_of(scores: Sequence[Mapping[str, Any]]) -> list[Baseline]:
    """The evaluations of a report as the baselines that they would be written as."""
    return [
        Baseline(
            value["pipeline"],
            value["golden_set"],
            value["fingerprint"],
            {name: info["identity"] for name, info in value["metrics"].items()},
            {case_id: _case(case_id, case) for case_id, case in value["cases"].items()},
            value["pipeline"],
            value.get("pipeline_identity", ""),
        )
        for value in scores
    ]


def _case(case_id: str, value: Mapping[str, Any]) -> BaselineCase:
    return BaselineCase(
        case_id,
        {name: v if v is None else rounded(v) for name, v in value.get("scores", {}).items()},
        value.get("reasons", {}),
        tuple(value.get("not_applicable", ())),
        value.get("case", ""),
        value.get("response", ""),
    )


def decide(scores: Sequence[Mapping[str, Any]], demand: Demand) -> list[Verdict]:
    """Hold the scores of a report against a demand.

    Raises:
        RagtuneError: no evaluation of the report has a metric, or is of a baseline's pipeline.
        BaselineError: a baseline is damaged, or of another golden set or metric.
        ValueError: a threshold, margin or confidence is out of range.
    """
    chosen = [
        (value, baseline)
        for value, baseline in zip(scores, baselines_of(scores), strict=True)
        if demand.pipeline in (None, baseline.pipeline) and demand.golden_set in (None, baseline.golden_set)
    ]
    if not chosen:
        known = ", ".join(sorted(f"{v['pipeline']} over {v['golden_set']}" for v in scores))
        raise RagtuneError(f"the report holds no such evaluation; it holds: {known}")
    verdicts = []
    for check, wanted in ((at_least, demand.at_least), (at_most, demand.at_most)):
        for metric, threshold in wanted:
            options: dict[str, Any] = {"confidence": demand.confidence, "max_unscored": demand.max_unscored}
            verdicts += [check(e, metric, threshold, **options) for e in _with_metric(chosen, metric)]
    for path in demand.baselines:
        verdicts += _against(chosen, path, demand)
    return verdicts


def _with_metric(chosen: Sequence[tuple[Mapping[str, Any], Baseline]], metric: str) -> list[Evaluation]:
    found = [
        _evaluation(value, baseline, [metric]) for value, baseline in chosen if metric in value["metrics"]
    ]
    if not found:
        known = sorted({name for value, _ in chosen for name in value["metrics"]})
        raise RagtuneError(f"no evaluation has the metric {metric!r}; the report has: {', '.join(known)}")
    return found


def _against(
    chosen: Sequence[tuple[Mapping[str, Any], Baseline]], path: Path, demand: Demand
) -> list[Verdict]:
    before = read_baseline(path)
    for value, now in chosen:
        if (now.pipeline, now.golden_set) == (before.pipeline, before.golden_set):
            names = list(demand.metrics) or sorted({*now.metrics} & {*before.metrics})
            return no_regression(
                _evaluation(value, now, names),
                names,
                margin=demand.margin,
                baseline=before,
                confidence=0.95 if demand.confidence is None else demand.confidence,
                max_unscored=demand.max_unscored,
                common_only=demand.common_only,
                now=now,
            )
    raise RagtuneError(
        f"{path} is a baseline of {before.pipeline!r} over {before.golden_set!r}; the report has no such "
        "evaluation; name the baseline of a pipeline that it has"
    )


def _evaluation(value: Mapping[str, Any], baseline: Baseline, metrics: Sequence[str]) -> Evaluation:
    """The scores as an evaluation: without questions and answers, which no check reads."""
    for name in metrics:
        if name not in value["metrics"]:
            raise RagtuneError(
                f"{baseline.pipeline} has no metric {name!r}; the report has: {', '.join(value['metrics'])}"
            )
    lines = [line for line in baseline.cases.values() if all(name in line.scores for name in metrics)]
    cases = tuple(Case(line.id, "") for line in lines)
    return Evaluation(
        pipeline=baseline.pipeline,
        golden_set=baseline.golden_set,
        fingerprint=baseline.fingerprint,
        cases=cases,
        responses=tuple(Response(None, case=case) for case in cases),
        scores={
            name: tuple(_score(line, name, value["cases"][line.id]["scores"][name]) for line in lines)
            for name in metrics
        },
        metrics={name: MetricInfo(**value["metrics"][name]) for name in metrics},
    )


def _score(line: BaselineCase, name: str, value: float | None) -> Score:
    if value is not None:
        return Score(value)
    return Score(None, line.reasons.get(name, "no score"), applicable=name not in line.not_applicable)
