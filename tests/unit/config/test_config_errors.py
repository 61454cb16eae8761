"""Invalid settings are refused together: every problem with its file, key, allowed values and suggestion."""

import pytest

from config.problems import InvalidSettings
from config.settings import load_settings

TAF = "{since: 2026-01-01, usd_per_share: 0, max_usd: 0, source: a}"


def problems(home, text="", *, environ=None):
    (home / "config.yaml").write_text(text)
    with pytest.raises(InvalidSettings) as caught:
        load_settings(home=home, profile=None, environ=environ or {})
    return [str(problem).replace(str(home), "HOME") for problem in caught.value.problems]


def test_every_problem_is_listed_at_once(tmp_path):
    text = "safety: {max_trade_frac: 2, kill_sharp: 1}\ntrades: {max_trades: few}\nregime: {bear_signs: 9}\n"

    assert problems(tmp_path, text) == [
        "HOME/config.yaml: regime.bear_signs: must be a whole number from 0 to 4, not 9.",
        "HOME/config.yaml: trades.max_trades: must be a whole number of at least 1, not 'few'.",
        "HOME/config.yaml: safety.max_trade_frac: must be a number from 0 to 1, not 2.",
        'HOME/config.yaml: safety.kill_sharp: is not a setting. Did you mean "kill_sharpe"?',
    ]


def test_problems_of_the_file_and_of_the_environment_are_reported_together(tmp_path):
    found = problems(tmp_path, "a: [", environ={"AFTERCLOSE_TRADE__MAX_TRADES": "3"})

    assert "HOME/config.yaml: is not valid YAML" in found[0]
    assert found[1] == (
        'AFTERCLOSE_TRADE__MAX_TRADES: is not a setting. Did you mean "AFTERCLOSE_TRADES__MAX_TRADES"?'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("saftey: {a: 1}", 'saftey: is not a setting. Did you mean "safety"?'),
        ("max_trades: 3", 'max_trades: is not a setting. Did you mean "trades.max_trades"?'),
        ("regime: {exposure_cap: {BULISH: 1}}", "regime.exposure_cap.BULISH: is not a setting."),
        (
            "regime: {exposure_cap: {BULL: 3}}",
            "regime.exposure_cap.BULL: must be a number from 0 to 1, not 3.",
        ),
        ("trades:", "trades: must be a section, not null."),
        ("trades: 3", "trades: must be a section, not 3."),
        ("trades: {max_trades: 2.5}", "trades.max_trades: must be a whole number of at least 1, not 2.5."),
        ("trades: {max_trades: true}", "trades.max_trades: must be a whole number of at least 1, not true."),
        ("seed: {a: 1}", "seed: must be a whole number, not {'a': 1}."),
        ("data: {files: {path: 3}}", "data.files.path: must be a path, or null, not 3."),
        ("data: {simulated: {first_session: 2016-02-30x}}", "first_session: must be a date, YYYY-MM-DD, not"),
        ("models: {candidates: []}", "models.candidates: must be a list of 1 or more sections, not []."),
        ("models: {quick_candidates: [ghost]}", "names ghost, but models.candidates does not."),
        (
            "costs: {min_commission_usd: .inf}",
            "costs.min_commission_usd: must be a number of at least 0, not inf.",
        ),
        ("costs: {min_commission_usd: 1e-5}", "It is text here; write 1e-05."),
        ("costs: {sec_fee_rate: 0.1}", "costs.sec_fee_rate: is not a setting. Set costs.fees.sec"),
        ("costs: {taf_per_share_usd: 0.1}", "Set costs.fees.taf"),
        ("costs: {taf_max_usd: 0.1}", "Set costs.fees.taf"),
        ("costs: {half_spread_bps: 2.0}", "Set costs.spread"),
        ("costs: {impact_coefficient: 0.1}", "Set costs.impact.square_root"),
        ("costs: {fees: {sec: []}}", "costs.fees.sec: must be a list of 1 or more sections, not []."),
        (
            f"costs: {{fees: {{taf: [{TAF}, {TAF}]}}}}",
            "costs.fees.taf: rates must be in order of date: 2026-01-01 is followed by 2026-01-01",
        ),
        (
            "costs: {fees: {sec: [{since: 2026-01-01, usd_per_million: 20.6}]}}",
            "costs.fees.sec[0].source: is not set",
        ),
        ("costs: {impact: {closing_auction_volume: 0.5}}", "the auctions sum to 1.42, not 1"),
        (
            "costs: {spread: {by_half_hour: [1.0]}}",
            "costs.spread.by_half_hour: must be a list of 13 entries, each a number above 0",
        ),
        ("costs: {orders: {type: stop}}", "costs.orders.type: must be one of market, limit, twap, vwap"),
        ("costs: {orders: {half_hour: 13}}", "costs.orders.half_hour: must be a whole number"),
        (
            "costs: {volatility_index: {max_multiplier: 0.9}}",
            "costs.volatility_index.max_multiplier: must be",
        ),
        (
            "data: {provider: files}",
            "data.files.path: must name a directory, because data.provider is files.",
        ),
        ("data: {provider: nowhere}", "data.provider: must be one of simulated, files, "),
        ("data: {provider: []}", "data.provider: must be one of simulated, files, "),
        ("data: {provider: [alpaca, alpaca]}", "data.provider: names a provider twice."),
        ("data: {provider: [simulated, alpaca]}", "mixes the simulated market with real data."),
        ("data: {provider: [alpaca, fred], compare_with: [alpaca]}", "names alpaca, the provider itself"),
        ("data: {compare_with: [simulated]}", "names simulated, the provider itself"),
        ("data: {provider: alpaca, compare_with: [tiingo, tiingo]}", "compare_with: names a provider twice."),
        (
            "data: {provider: alpaca, compare_with: [simulated]}",
            "compares the simulated market with real data",
        ),
        ("data: {benchmark: ^VIX}", "data.benchmark: is also data.volatility_index"),
        ("trades: {max_trades: 010}", "line 1: YAML reads 010 as another number"),
        ("trades: {max_trades: 1:30}", "line 1: YAML reads 1:30 as another number"),
    ],
)
def test_the_key_and_what_is_allowed_are_named(tmp_path, text, expected):
    found = problems(tmp_path, text)

    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith("HOME/config.yaml: ")


def test_a_problem_inside_a_list_names_the_entry(tmp_path):
    text = "models: {candidates: [{name: a, kind: lightgbm, parameters: {}}, {name: b, kind: gbm}]}"

    kind, parameters = problems(tmp_path, text)

    assert "models.candidates[1].kind: must be one of xgboost, lightgbm," in kind
    assert (
        "models.candidates[1].parameters: is not set, and has no default. It must be a mapping" in parameters
    )


def test_the_name_of_the_best_single_feature_is_no_other_kinds(tmp_path):
    entry = "{name: best_feature, kind: lightgbm, parameters: {}}"
    text = f"models: {{quick_candidates: [], candidates: [{entry}]}}"

    (problem,) = problems(tmp_path, text)

    assert problem.startswith(
        "HOME/config.yaml: models.candidates: has a candidate best_feature of another kind"
    )


def test_two_candidates_of_one_name_are_refused(tmp_path):
    entry = "{name: lightgbm, kind: lightgbm, parameters: {}}"
    text = f"models: {{quick_candidates: [lightgbm], candidates: [{entry}, {entry}]}}"

    assert problems(tmp_path, text) == [
        "HOME/config.yaml: models.candidates: has two candidates of the same name."
    ]


@pytest.mark.parametrize("value", ["abc", "NaN", "Infinity", "", "1_0", '"3"'])
def test_a_number_in_the_environment_must_be_one(tmp_path, value):
    found = problems(tmp_path, environ={"AFTERCLOSE_SAFETY__KILL_SHARPE": value})

    assert len(found) == 1
    assert found[0].startswith("AFTERCLOSE_SAFETY__KILL_SHARPE: safety.kill_sharpe: must be a number, not")


@pytest.mark.parametrize(
    "name", ["AFTERCLOSE_HOEM", "afterclose_trades__max_trades", "AFTERCLOSE_TRADES_MAX_TRADES"]
)
def test_a_variable_that_names_no_setting_is_refused_without_its_value(tmp_path, name):
    found = problems(tmp_path, environ={name: "hush"})

    assert "is not a setting. Did you mean" in found[0]
    assert "hush" not in found[0]


def test_a_long_value_is_shortened(tmp_path):
    found = problems(tmp_path, f"reporting: {{title: {'x' * 500}}}")

    assert len(found[0]) < 200


def test_a_rule_that_spans_values_is_reported_in_its_own_words_and_names_who_broke_it(tmp_path):
    (found,) = problems(tmp_path, "regime: {exposure_cap: {BULL: 0.5}}")

    assert found == (
        "HOME/config.yaml: regime.exposure_cap: a worse state must not allow more exposure: "
        "CRASH ≤ BEAR ≤ NEUTRAL ≤ BULL."
    )


@pytest.mark.parametrize(
    "lake",
    [
        "s3://key:planted-secret@lakes/book",
        "s3://lakes/book?secret=planted-secret",
        "s3://lakes",
        "s3://lakes/",
        "s3://lakes/book/",
        "s3://lakes//book",
        "s3://lakes/../book",
        "s3://Lakes/book",
        "https://planted-secret.example/book",
        "/mnt/lake",
        "",
    ],
)
def test_a_lake_that_is_not_a_place_is_refused_and_not_repeated(lake, tmp_path):
    (problem,) = problems(tmp_path, environ={"AFTERCLOSE_DATA__LAKE": lake})

    assert "AFTERCLOSE_DATA__LAKE: data.lake: must be home, or s3://BUCKET/PREFIX" in problem
    assert "planted-secret" not in problem


@pytest.mark.parametrize("lake", ["home", "s3://lakes/book", "s3://my.lakes-1/Books/of_2024/v1.0"])
def test_a_lake_may_lie_in_the_home_or_in_a_bucket(lake, tmp_path):
    loaded = load_settings(home=tmp_path, profile=None, environ={"AFTERCLOSE_DATA__LAKE": lake})

    assert loaded.settings.data.lake == lake
