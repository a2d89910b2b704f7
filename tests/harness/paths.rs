//! Where things are.

use anyhow::Context;
use std::path::{Path, PathBuf};

/// The folder of the whole project.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in a folder of the project")
}

/// The folder of the recordings.
pub fn data() -> PathBuf {
    repository().join("tests/data")
}

/// The binary `custody` of the same build as this program.
pub fn binary() -> anyhow::Result<PathBuf> {
    program("custody")
}

/// A program of the same build as this one.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe().context("this program's own path")?;
    // Programs lie beside it, tests one folder deeper.
    let mut files = this.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    files.find(|file| file.is_file()).with_context(|| {
        format!(
            "there is no binary `{name}` beside the tests: `make test` and `cargo test --workspace` build it"
        )
    })
}
