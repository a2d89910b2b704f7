//! Debian's PostgreSQL server, run as nobody in a folder of its own on a loopback port, and its clients.

use crate::ports;
use crate::processes::wait_until;
use anyhow::{Context, ensure};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The server on a busy machine starts in less time.
const DEADLINE: Duration = Duration::from_secs(120);
/// A statement that takes longer is ended by the server: no test waits for ever.
const STATEMENT_LIMIT_MS: u64 = 60_000;
/// User and group of nobody on Debian: the server does not run as root.
const NOBODY: u32 = 65_534;
/// The role that owns everything.
const ROLE: &str = "ada";

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Postgres {
    child: Child,
    programs: PathBuf,
    password: String,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Postgres {
    /// Starts it; its one role logs in with this password.
    pub(crate) fn start(password: &str) -> anyhow::Result<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir()?;
        let (data, secret) = (folder.path().join("data"), folder.path().join("password"));
        std::fs::write(&secret, password)?;
        if is_root_s(folder.path())? {
            for path in [folder.path(), &secret] {
                chown(path, Some(NOBODY), Some(NOBODY))?;
            }
        }
        let mut made = as_owner(&programs.join("initdb"), folder.path())?;
        made.args([
            "--auth",
            "scram-sha-256",
            "--username",
            ROLE,
            "--encoding",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        let made = made.arg("--pwfile").arg(&secret).arg("--pgdata").arg(&data).output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let address = *ports::free(1)?.first().context("one port")?;
        let mut server = as_owner(&programs.join("postgres"), folder.path())?;
        server.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-k", ""]);
        server.args(["-c", "fsync=off", "-c", &format!("statement_timeout={STATEMENT_LIMIT_MS}")]);
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { child, programs, password: password.to_owned(), address, _folder: folder };
        wait_until("a database", DEADLINE, || Ok(server.run(server.address, "select 1")?.status.success()))?;
        Ok(server)
    }

    /// Has psql do a script at an address, with commands of its own in it.
    pub(crate) fn run(&self, at: SocketAddr, script: &str) -> anyhow::Result<Output> {
        let mut psql = self.psql(at)?;
        psql.stdin.take().context("psql reads")?.write_all(script.as_bytes())?;
        Ok(psql.wait_with_output()?)
    }

    /// A psql at an address that reads what it is to do.
    pub(crate) fn psql(&self, at: SocketAddr) -> anyhow::Result<Child> {
        let mut psql = self.client("psql", at);
        psql.args(["--no-psqlrc", "--set", "VERBOSITY=verbose", "--dbname", "postgres"]);
        psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        psql.spawn().context("cannot start psql")
    }

    /// Has pgbench do a script with prepared statements; what the script names `:secret` is a parameter.
    pub(crate) fn prepared(&self, at: SocketAddr, script: &Path, secret: &str) -> anyhow::Result<Output> {
        let mut pgbench = self.client("pgbench", at);
        pgbench.args(["--protocol", "prepared", "--no-vacuum", "--transactions", "2"]);
        pgbench.arg("--file").arg(script).arg("--define").arg(format!("secret={secret}")).arg("postgres");
        Ok(pgbench.output()?)
    }

    fn client(&self, program: &str, at: SocketAddr) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env_clear().env("PGPASSWORD", &self.password).env("PGCONNECT_TIMEOUT", "30");
        command.args(["-h", &at.ip().to_string(), "-p", &at.port().to_string(), "-U", ROLE]);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An error means that it has ended already. What it has started ends with it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Whether somebody made a folder who can and must become somebody else.
fn is_root_s(folder: &Path) -> anyhow::Result<bool> {
    Ok(std::fs::metadata(folder)?.uid() == 0)
}

/// A program that is run by whom its folder belongs to.
fn as_owner(program: &Path, folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").current_dir(folder);
    if std::fs::metadata(folder)?.uid() == NOBODY {
        command.uid(NOBODY).gid(NOBODY);
    }
    Ok(command)
}

/// The folder of Debian's newest version.
fn programs() -> anyhow::Result<PathBuf> {
    let versions =
        std::fs::read_dir("/usr/lib/postgresql").context("expected Debian's package postgresql")?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("postgres").exists()).max().context("expected a PostgreSQL server")
}
