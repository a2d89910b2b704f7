//! Motion vectors: AV1 specification, sections 5.11.26, 5.11.31 and 5.11.32.

use super::block::Mv;
use super::cdfs::ModeCdfs;
use super::range_coder::SymbolEncoder;

/// Vectors are shorter than this in both directions, in eighths. Section 6.10.25 allows twice as much; but the
/// difference of two vectors, too, must not be longer than what the last class reaches.
const MV_LIMIT: i32 = 1 << 13;
/// Eighths of a whole sample.
const WHOLE: i32 = 8;

/// The vector of `dx` and `dy` whole samples, if it can be coded.
pub(super) fn whole_mv(dx: i32, dy: i32) -> Option<Mv> {
    let component = |samples: i32| {
        let eighths = samples.checked_mul(WHOLE)?;
        (eighths.abs() < MV_LIMIT).then(|| i16::try_from(eighths).ok()).flatten()
    };
    Some(Mv { row: component(dy)?, column: component(dx)? })
}

/// `read_mv`: codes how `mv` differs from `prediction`. Both are whole.
pub(super) fn code_mv(symbols: &mut SymbolEncoder, cdfs: &mut ModeCdfs, mv: Mv, prediction: Mv) {
    let difference = [(mv.row, prediction.row), (mv.column, prediction.column)]
        .map(|(to, from)| (i32::from(to) - i32::from(from)) / WHOLE);
    let joint = 2 * usize::from(difference[0] != 0) + usize::from(difference[1] != 0);
    symbols.symbol(&mut *cdfs.mv_joint, joint);
    for (component, value) in difference.into_iter().enumerate() {
        if value != 0 {
            code_component(symbols, cdfs, component, value);
        }
    }
}

/// `read_mv_component` with `force_integer_mv`.
fn code_component(symbols: &mut SymbolEncoder, cdfs: &mut ModeCdfs, component: usize, value: i32) {
    symbols.flag(&mut cdfs.mv_sign[component], value < 0);
    // Class 0 holds lengths 1 and 2; class c > 0 holds those from 2^c + 1 to 2^(c + 1).
    let offset = value.unsigned_abs() - 1;
    let class = offset.checked_ilog2().unwrap_or(0);
    let class_index = usize::try_from(class).unwrap_or(0);
    symbols.symbol(&mut *cdfs.mv_class[component], class_index);
    if class == 0 {
        symbols.flag(&mut cdfs.mv_class0_bit[component], offset == 1);
        return;
    }
    for (bit, cdf) in cdfs.mv_bit[component].iter_mut().enumerate().take(class_index) {
        symbols.flag(cdf, offset >> bit & 1 == 1);
    }
}
