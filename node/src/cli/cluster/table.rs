//! Tables for people, and answers of the API for programs.

use serde_json::Value;
use std::io::{self, Write};

/// What stands where there is nothing.
pub(super) const NONE: &str = "-";

/// Prints rows of cells, each column as wide as its widest cell.
pub(super) fn print<const COLUMNS: usize>(
    rows: &[[String; COLUMNS]],
    output: &mut impl Write,
) -> io::Result<()> {
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(widest);
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

/// Bytes as people read them: three digits at most before the point, one behind it.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let Some(unit) = UNITS.iter().enumerate().rev().find(|(at, _)| bytes >= unit_bytes(*at)) else {
        return format!("{bytes} B");
    };
    let tenths = u128::from(bytes) * 10 / u128::from(unit_bytes(unit.0));
    format!("{}.{} {}", tenths / 10, tenths % 10, unit.1)
}

fn unit_bytes(at: usize) -> u64 {
    u32::try_from(at + 1).ok().and_then(|power| 1024_u64.checked_pow(power)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_greatest_unit_that_is_not_larger() {
        let cases =
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB"), (u64::MAX, "15.9 EiB")];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
    }
}
