//! Where commands find their configuration.

use crate::config::{ConfigError, Settings, Values};
use std::path::{Path, PathBuf};

/// The file that is read when none is named.
const USUAL_FILE: &str = "/etc/custody/custody.toml";
/// Names another file.
const FILE_VARIABLE: &str = "CUSTODY_CONFIG";
/// The folder with systemd's credentials.
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// The settings of `file`, of the environment and of flags. Without a named file, the usual one is read if it is
/// there.
pub(super) fn read(
    file: Option<&Path>,
    flags: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> Result<Settings, ConfigError> {
    let mut values = Values::default();
    let named = file.map(Path::to_owned).or_else(|| std::env::var_os(FILE_VARIABLE).map(PathBuf::from));
    match named {
        Some(file) => values.read_file(&file)?,
        None if Path::new(USUAL_FILE).exists() => values.read_file(Path::new(USUAL_FILE))?,
        None => {}
    }
    // A name or value that is no text is none of ours.
    let variables = std::env::vars_os();
    values.read_environment(
        variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    )?;
    for (key, value) in flags {
        values.set_flag(key, value)?;
    }
    Settings::check(&values, std::env::var_os(CREDENTIALS_VARIABLE).map(PathBuf::from))
}
