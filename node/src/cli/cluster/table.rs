//! Tables for people, and answers of the API for programs.

use serde_json::Value;
use std::io::{self, Write};

/// Rows of as many columns each, the first of which is the head.
pub(super) fn print<const COLUMNS: usize>(
    rows: &[[String; COLUMNS]],
    output: &mut impl Write,
) -> io::Result<()> {
    let widths: Vec<usize> = (0..COLUMNS)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(output, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// The answer of the API as it is.
pub(super) fn print_json(answer: &Value, output: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, answer)?;
    writeln!(output)
}
