import json

from tasks.core.homes.home import Home
from tasks.core.homes.replay_inputs import changed_files
from tasks.core.ids import sha256_of_bytes


def publish(folder, **files):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    listed = {name: sha256_of_bytes(content) for name, content in files.items()}
    (folder / "manifest.json").write_text(json.dumps({"sha256": listed}))


def test_changed_and_missing_files_of_days_and_their_revisions_are_named(tmp_path):
    home = Home(tmp_path)
    day = home.live / "2024-06-13"
    publish(day, trades=b"1", weights=b"2")
    publish(day / "revisions" / "1", trades=b"3")
    publish(day / "revisions" / "2", trades=b"4")
    (home.live / "2024-06-13-copy").mkdir()  # not a day
    assert list(changed_files(home)) == []

    (day / "weights").write_bytes(b"other")
    (day / "revisions" / "1" / "trades").unlink()
    (day / "revisions" / "2" / "manifest.json").unlink()

    assert list(changed_files(home)) == [
        "2024-06-13/weights",
        "2024-06-13/revisions/1/trades",
        "2024-06-13/revisions/2/manifest.json",
    ]
