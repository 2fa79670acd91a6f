"""What of a home is copied, and that it stays as it was."""

from __future__ import annotations

from pathlib import Path

from aiox.cli.backup import contents


def home(folder: Path) -> Path:
    for name in (
        *("hub.toml", "up.lock", "demo.json", "secrets/stack/keyring", "objects/ab/one", "objects/ab/two.new"),
        *("postgres/data/PG_VERSION", "nats/jetstream/x", "redis/appendonly", "logs/up.log", "schema/0.json"),
        *("ejabberd/ejabberd.yml", "ejabberd/mnesia/x", "ejabberd/upload/u/file.txt", "backups/old.aiox-backup"),
        *("mail/1.eml", "ledger/1-2.jsonl", "ejabberd.extra.yml", "something/new"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "link").symlink_to("/etc/passwd")
    return folder


def test_stores_and_what_is_made_again_stay_out_all_else_is_in(tmp_path: Path) -> None:
    found = {path.as_posix() for path in contents.of_home(home(tmp_path))}
    assert found == {
        *("hub.toml", "demo.json", "secrets/stack/keyring", "objects/ab/one", "ejabberd/upload/u/file.txt"),
        *("mail/1.eml", "ledger/1-2.jsonl", "ejabberd.extra.yml", "something/new"),
    }


def test_what_is_deleted_or_replaced_after_the_first_look_is_kept_as_it_was(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    contents.freeze(root, tmp_path / "still")
    (root / "objects/ab/one").unlink()
    (root / "hub.toml.new").write_text("other")
    (root / "hub.toml.new").replace(root / "hub.toml")
    (root / "objects/ab/late").write_text("late")
    contents.freeze(root, tmp_path / "still")
    still = contents.frozen(tmp_path / "still")
    assert still["objects/ab/one"].read_text() == "objects/ab/one"
    assert still["hub.toml"].read_text() == "hub.toml"
    assert still["objects/ab/late"].read_text() == "late"
