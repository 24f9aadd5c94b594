"""A pooler of transactions between everybody and the database."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy

from cli.stack.servers import Urls
from models import database, silence
from models.database import transaction
from models.settings import settings
from tests.faults.rabbit import free_port
from tests.faults.test_silence import ended, start_all
from tests.place import Place, new_place, wait_until
from tests.small_runs import check, small

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@contextmanager
def pooled(place: Place) -> Iterator[str]:
    """The URL of a pgbouncer before a place's database, with fewer sessions there than it has clients."""
    program = which("pgbouncer") or which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed here")
    url, port = sqlalchemy.make_url(place.database_url), free_port()
    with TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        (folder / "users.txt").write_text(f'"{url.username}" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n{url.database} = host={url.host} port={url.port or 5432}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = 3\n"
        )
        folder.chmod(0o755)  # it runs as nobody
        process = subprocess.Popen([program, "-q", "-u", "nobody", folder / "pgbouncer.ini"])
        try:
            yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        finally:
            process.terminate()
            process.wait(10)


def test_a_pooler_of_transactions_is_borne(
    outside_postgres: str, bundled: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = small(tmp_path)
    with new_place(outside_postgres, bundled.broker_url, tmp_path / "home") as place, pooled(place) as url:
        start_all(place, files, MONKEYS_DATABASE_URL=url)
        run = files.enqueue(place, 20)
        wait_until(lambda: ended(place, run), 120)
        check(place, run)
        assert place.query("select error from attempt where not ok") == []
        place.kill_all()
        monkeypatch.setattr(silence, "LOOK_SECONDS", 0.3)
        monkeypatch.setattr(silence, "SURE_SECONDS", 0.2)
        monkeypatch.setenv("MONKEYS_DATABASE_URL", url)
        settings.cache_clear()
        for _ in range(10):  # a statement that was prepared in one session would be asked for in another
            with transaction() as one, transaction() as other:
                for each in (one, other, one, other):
                    assert each.execute("select count(*) as works from work where run_id = %s", (run,)).fetchall()
        assert database.column("select 1 from pg_sleep(1.5)") == [1]
        database.engine().dispose()
        monkeypatch.undo()
        settings.cache_clear()
