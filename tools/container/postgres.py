"""Runs this machine's PostgreSQL with TLS and a private certificate authority."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from components.database.database import DATABASE_NAME

HOST = "database.portal.internal"
PORT = 25432
USER = "administrator"
MAX_CONNECTIONS = 200


def binaries() -> Path | None:
    """The directory of initdb and pg_ctl: PG_BIN, else from PATH, else Debian's."""
    candidates = [Path(os.environ["PG_BIN"])] if os.environ.get("PG_BIN") else []
    on_path = shutil.which("initdb")
    candidates += [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in candidates if (each / "initdb").exists()), None)


class Postgres:
    """A server that refuses connections without TLS, as Aurora with rds.force_ssl does.

    Like RDS' master user, the administrator owns the database and may create roles. `stop` deletes
    the data.

    may_create_databases: whether the administrator may also create databases. ldap_port: of the
    server that checks the passwords of `rds_iam`'s members, which are tokens then, as with RDS.
    host: the only name in its certificate. Not localhost for a portal: `pg` checks the certificate
    of an address against that name.
    """

    def __init__(
        self,
        address: str,
        may_create_databases: bool = False,
        port: int = PORT,
        ldap_port: int | None = None,
        host: str = HOST,
    ) -> None:
        found = binaries()
        if found is None:
            raise FileNotFoundError("PostgreSQL's server binaries: install them or set PG_BIN")
        self._bin = found
        self.address = address
        self.port = port
        self.password = secrets.token_hex(16)
        import trustme  # only requirements-e2e.txt installs it

        self._authority = trustme.CA()
        self.ca_certificate = self._authority.cert_pem.bytes().decode()
        self._directory = Path(tempfile.mkdtemp(prefix="portal-postgres-"))
        self._data = self._directory / "data"
        # initdb refuses root.
        self._account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._own(self._directory)
        self._ldap_port, self._host = ldap_port, host
        self._create("CREATEDB" if may_create_databases else "")

    def _own(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _run(self, program: str, *arguments: str) -> str:
        account = self._account
        done = subprocess.run(  # noqa: S603, PostgreSQL's own programs
            [str(self._bin / program), *arguments],
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            cwd=self._directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}")
        return done.stdout

    def _create(self, right: str) -> None:
        self._run("initdb", "--pgdata", str(self._data), "--username", "postgres",
                  "--auth-local", "trust", "--encoding", "UTF8")  # fmt: skip
        certificate = self._authority.issue_cert(self._host)
        for name, blob in (
            ("server.key", certificate.private_key_pem),
            ("server.crt", certificate.cert_chain_pems[0]),
        ):
            path = self._data / name
            blob.write_to_path(path)
            path.chmod(0o600)
            self._own(path)
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"listen_addresses = '{self.address}'\nport = {self.port}\nssl = on\nfsync = off\n"
                f"unix_socket_directories = '{self._directory}'\n"
                f"max_connections = {MAX_CONNECTIONS}\nlog_statement = ddl\n"
            )
        # RDS's own rules, in its order: members of rds_iam never get to the last one.
        ldap = f'ldapserver=127.0.0.1 ldapport={self._ldap_port} ldapprefix="cn="'
        tokens = f"hostssl all +rds_iam 0.0.0.0/0 ldap {ldap}\nhost all +rds_iam 0.0.0.0/0 reject\n"
        (self._data / "pg_hba.conf").write_text(
            f"local all all trust\n{tokens if self._ldap_port else ''}"
            "hostssl all all 0.0.0.0/0 scram-sha-256\n",
            encoding="utf-8",
        )
        self.start()
        if self._ldap_port:
            self.query("CREATE ROLE rds_iam", "postgres")
        self.query(
            f"CREATE ROLE {USER} LOGIN CREATEROLE {right} PASSWORD '{self.password}'", "postgres"
        )
        self.query(f"CREATE DATABASE {DATABASE_NAME} OWNER {USER}", "postgres")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "--pgdata", str(self._data), "--wait", "--silent",
                  "--log", str(self._directory / "log"), *arguments)  # fmt: skip

    def start(self) -> None:
        """Starts the server and waits until it accepts connections."""
        self._control("start")

    def restart(self) -> None:
        """Drops every connection and restarts."""
        self._control("restart", "--mode", "fast")

    def stop(self) -> None:
        """Stops the server and deletes its data."""
        self._control("stop", "--mode", "immediate")
        shutil.rmtree(self._directory)

    def rules(self) -> str:
        """Who may connect, and how: the text of pg_hba.conf."""
        return (self._data / "pg_hba.conf").read_text(encoding="utf-8")

    def set_rules(self, text: str) -> None:
        """Replaces pg_hba.conf, for new connections."""
        (self._data / "pg_hba.conf").write_text(text, encoding="utf-8")
        self._control("reload")

    def log(self) -> str:
        """The server's log, which includes DDL statements."""
        return (self._directory / "log").read_text(encoding="utf-8")

    def query(self, statement: str, database: str = DATABASE_NAME) -> list[str]:
        """Runs a statement as the superuser. Returns its rows, columns separated by '|'."""
        output = self._run(
            "psql", "--host", str(self._directory), "--port", str(self.port),
            "--username", "postgres", "--dbname", database,
            "--no-align", "--tuples-only", "--command", statement,
        )  # fmt: skip
        return output.split("\n")[:-1]
