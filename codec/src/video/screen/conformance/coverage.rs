//! Which distributions some streams use: each that is used moves away from its default.

use super::super::cdfs::Cdfs;
use super::{Stream, decided_stream, random_stream};
use std::collections::{BTreeMap, BTreeSet};

const RANDOM_STREAMS: u64 = 2000;
const DECIDED_STREAMS: u64 = 200;

/// For each set of distributions the places of those that streams have used, and for each place the defaults from
/// which it started: those of coefficients have one for each of four ranges of the quantizer index.
fn used(streams: impl Iterator<Item = Stream>) -> BTreeMap<&'static str, BTreeSet<(usize, usize)>> {
    let mut used = BTreeMap::<_, BTreeSet<_>>::new();
    for stream in streams {
        let range = match stream.base_q_idx {
            0..=20 => 0,
            21..=60 => 1,
            61..=120 => 2,
            121.. => 3,
        };
        let mut before = Vec::new();
        Cdfs::defaults(stream.base_q_idx).each(&mut |_, cdf| before.push(cdf.to_vec()));
        let mut before = before.into_iter();
        let (mut set, mut place) = ("", 0);
        stream.cdfs.each(&mut |name, cdf| {
            place = if set == name { place + 1 } else { 0 };
            set = name;
            let places = used.entry(name).or_default();
            if before.next().unwrap() != cdf {
                places.insert((place, if name.starts_with("CoefCdfs") { range } else { 0 }));
            }
        });
    }
    used
}

#[test]
fn random_choices_use_every_distribution_that_the_writer_can() {
    let counts: Vec<_> = used((1..=RANDOM_STREAMS).map(random_stream))
        .into_iter()
        .map(|(name, used)| {
            let places: BTreeSet<_> = used.iter().map(|(place, _)| place).collect();
            (name, places.len(), used.len())
        })
        .collect();
    // The first number is all that the syntax of square blocks from 8x8 on with seven intra modes, DCT and identity can
    // name. The second one is four times as many for coefficients, but for what is rare: few levels in large chroma.
    let expected = [
        ("CoefCdfs::coeff_base", 128, 512),
        ("CoefCdfs::coeff_base_eob", 32, 127),
        ("CoefCdfs::coeff_br", 168, 672),
        ("CoefCdfs::dc_sign", 6, 24),
        ("CoefCdfs::eob_extra", 48, 180),
        ("CoefCdfs::eob_pt_1024", 2, 8),
        ("CoefCdfs::eob_pt_16", 2, 8),
        ("CoefCdfs::eob_pt_256", 2, 8),
        ("CoefCdfs::eob_pt_64", 2, 8),
        ("CoefCdfs::txb_skip", 24, 96),
        ("ModeCdfs::angle_delta", 2, 2),
        ("ModeCdfs::drl_mode", 3, 3),
        ("ModeCdfs::inter_tx_type_set3", 3, 3),
        ("ModeCdfs::intra_frame_y_mode", 9, 9),
        ("ModeCdfs::intra_tx_type_set2", 14, 14),
        ("ModeCdfs::is_inter", 4, 4),
        ("ModeCdfs::mv_bit", 20, 20),
        ("ModeCdfs::mv_class", 2, 2),
        ("ModeCdfs::mv_class0_bit", 2, 2),
        ("ModeCdfs::mv_joint", 1, 1),
        ("ModeCdfs::mv_sign", 2, 2),
        ("ModeCdfs::new_mv", 6, 6),
        ("ModeCdfs::partition_w16", 4, 4),
        ("ModeCdfs::partition_w32", 4, 4),
        ("ModeCdfs::partition_w64", 4, 4),
        ("ModeCdfs::partition_w8", 1, 1),
        ("ModeCdfs::ref_mv", 5, 5),
        ("ModeCdfs::single_ref", 6, 6),
        ("ModeCdfs::skip", 3, 3),
        ("ModeCdfs::uv_mode_cfl_allowed", 7, 7),
        ("ModeCdfs::uv_mode_cfl_not_allowed", 7, 7),
        ("ModeCdfs::y_mode", 3, 3),
        ("ModeCdfs::zero_mv", 1, 1),
        ("PaletteCdfs::color", 68, 68),
        ("PaletteCdfs::size", 8, 8),
        ("PaletteCdfs::uv_mode", 2, 2),
        ("PaletteCdfs::y_mode", 12, 12),
    ];
    assert_eq!(counts, expected);
}

#[test]
fn what_the_encoder_decides_is_refined_in_all_formats_with_and_without_loss() {
    let mut refined = BTreeMap::<_, u64>::new();
    for stream in (1..=DECIDED_STREAMS).map(decided_stream) {
        for q_idx in stream.refined_with {
            *refined.entry((format!("{:?}", stream.format.chroma), q_idx == 0)).or_default() += 1;
        }
    }
    let refined: Vec<_> = refined
        .iter()
        .map(|((chroma, is_lossless), count)| (chroma.as_str(), *is_lossless, *count))
        .collect();
    let expected = [("Full", false, 87), ("Full", true, 37), ("Half", false, 85), ("Half", true, 31)];
    assert_eq!(refined, expected);
}
