//! Weights of smooth intra prediction, from section 9.3 of the AV1 specification.

/// `Sm_Weights_Tx_4x4`.
#[rustfmt::skip]
pub(crate) const SM_WEIGHTS_4: [u8; 4] = [
    255, 149, 85, 64,
];

/// `Sm_Weights_Tx_8x8`.
#[rustfmt::skip]
pub(crate) const SM_WEIGHTS_8: [u8; 8] = [
    255, 197, 146, 105, 73, 50, 37, 32,
];

/// `Sm_Weights_Tx_16x16`.
#[rustfmt::skip]
pub(crate) const SM_WEIGHTS_16: [u8; 16] = [
    255, 225, 196, 170, 145, 123, 102, 84, 68, 54, 43, 33, 26, 20, 17, 16,
];

/// `Sm_Weights_Tx_32x32`.
#[rustfmt::skip]
pub(crate) const SM_WEIGHTS_32: [u8; 32] = [
    255, 240, 225, 210, 196, 182, 169, 157, 145, 133, 122, 111, 101, 92, 83, 74, 66, 59, 52, 45, 39, 34, 29,
    25, 21, 17, 14, 12, 10, 9, 8, 8,
];

/// `Sm_Weights_Tx_64x64`.
#[rustfmt::skip]
pub(crate) const SM_WEIGHTS_64: [u8; 64] = [
    255, 248, 240, 233, 225, 218, 210, 203, 196, 189, 182, 176, 169, 163, 156, 150, 144, 138, 133, 127, 121,
    116, 111, 106, 101, 96, 91, 86, 82, 77, 73, 69, 65, 61, 57, 54, 50, 47, 44, 41, 38, 35, 32, 29, 27, 25,
    22, 20, 18, 16, 15, 13, 12, 10, 9, 8, 7, 6, 6, 5, 5, 4, 4, 4,
];
