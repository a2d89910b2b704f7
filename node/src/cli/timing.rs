//! The options that all commands share which read a typescript of script(1).

use crate::typescript::TypescriptFiles;
use clap::Args;
use std::path::PathBuf;

/// What a typescript does not tell.
#[derive(Debug, Clone, Args)]
pub(super) struct Timing {
    /// The timing of a typescript; without, what stands beside it under its name with .timing or .tm.
    #[arg(long, value_name = "FILE")]
    timing: Option<PathBuf>,
    /// Size of the terminal, such as 80x24, for typescripts that do not tell it.
    #[arg(long, value_name = "COLUMNSxROWS", value_parser = parse_size)]
    terminal_size: Option<(u64, u64)>,
}

impl Timing {
    /// The files of a typescript.
    pub(super) fn files(&self) -> TypescriptFiles {
        TypescriptFiles { timing: self.timing.clone(), size: self.terminal_size }
    }
}

fn parse_size(text: &str) -> Result<(u64, u64), String> {
    let side = |text: &str| text.parse::<u64>().ok().filter(|side| (1..=1_000).contains(side));
    let sides = text.split_once('x').and_then(|(columns, rows)| Some((side(columns)?, side(rows)?)));
    sides.ok_or_else(|| "expected columns and rows from 1 to 1000, such as 80x24".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_columns_and_rows() {
        assert_eq!(parse_size("132x43"), Ok((132, 43)));
        for text in ["", "80", "80x", "0x24", "80x1001", "80x24x1"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
