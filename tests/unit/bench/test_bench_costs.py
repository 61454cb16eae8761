from tests.bench.costs import milliseconds


def test_the_work_is_done_once_to_warm_up_and_then_timed(monkeypatch):
    monkeypatch.setattr("tests.bench.costs.RUNS", 3)
    done = []

    assert milliseconds(lambda: done.append(1)) >= 0
    assert len(done) == 4
