from datetime import UTC, datetime, timedelta

from tasks.data.providers.http.cache import cached


def test_an_answer_is_remembered_for_a_while(tmp_path):
    file = tmp_path / "answers" / "names.json"
    later = [timedelta(0)]
    answers = iter([["A"], ["B"], ["C"]])

    def ask():
        clock = lambda: datetime.now(UTC) + later[0]  # noqa: E731 - one line in a test
        return cached(file, lambda: next(answers), max_age=timedelta(days=1), clock=clock)

    assert [ask(), ask()] == [["A"], ["A"]]
    later[0] = timedelta(days=1)
    assert ask() == ["B"]
    later[0] = timedelta(0)
    file.write_text("[")
    assert ask() == ["C"]
