//! What a terminal's functions may take.

use crate::cost::Cost;
use avt::parser::Function;

/// In so many cells of a row lies one that a character may move, if it is inserted.
const CELLS_MOVED: usize = 16;

/// The same function, with a count that is no more than the screen has; what it costs in so many terminals is counted before
/// it is done.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others have no count, and move the cursor or set a colour or mode"
)]
pub(super) fn bounded(
    function: Function,
    (columns, rows): (usize, usize),
    terminals: usize,
    cost: &mut Cost,
) -> Function {
    let count = |wanted: u16, limit: usize| wanted.min(u16::try_from(limit).unwrap_or(u16::MAX));
    let function = match function {
        Function::Rep(wanted) => Function::Rep(count(wanted, columns * rows)),
        Function::Su(wanted) => Function::Su(count(wanted, rows)),
        Function::Sd(wanted) => Function::Sd(count(wanted, rows)),
        Function::Il(wanted) => Function::Il(count(wanted, rows)),
        Function::Dl(wanted) => Function::Dl(count(wanted, rows)),
        Function::Cht(wanted) => Function::Cht(count(wanted, columns)),
        Function::Cbt(wanted) => Function::Cbt(count(wanted, columns)),
        other => other,
    };
    let of_character = 1 + columns / CELLS_MOVED;
    let (characters, cells, lines) = match function {
        Function::Print(_) => (1, of_character, 0),
        Function::Rep(times) => {
            let times = usize::from(times.max(1));
            (times, times * of_character, (times / columns.max(1) + 1) * rows)
        }
        Function::Su(times) | Function::Sd(times) | Function::Il(times) | Function::Dl(times) => {
            let times = usize::from(times.max(1));
            (1, times * columns, times * rows)
        }
        Function::Lf | Function::Nel | Function::Ri => (1, columns, rows),
        Function::Ed(_)
        | Function::Decaln
        | Function::Ris
        | Function::Decstr
        | Function::Decset(_)
        | Function::Decrst(_) => (1, columns * rows, rows),
        Function::El(_)
        | Function::Ech(_)
        | Function::Ich(_)
        | Function::Dch(_)
        | Function::Ctc(_)
        | Function::Tbc(_)
        | Function::Cht(_)
        | Function::Cbt(_)
        | Function::Ht
        | Function::Hts => (1, columns, 0),
        // The cursor, colours and modes.
        _ => (1, 0, 0),
    };
    cost.emulated(terminals * characters, terminals * cells, terminals * lines);
    function
}
