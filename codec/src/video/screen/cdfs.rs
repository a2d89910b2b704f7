//! All distributions that this writer uses: AV1 specification, section 8.3.1, with their defaults of section 9.3.

use super::cdf::{Cdf, Distributions};
use super::tables::{coef_base_cdfs as base, coef_cdfs as coef, mode_cdfs as modes, palette_cdfs as palette};

/// Defines a set of distributions, each with its type and the table of its defaults.
macro_rules! distributions {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $table:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(super) struct $name {
            $(pub(super) $field: $type,)*
        }

        impl $name {
            /// The defaults. Tables that depend on the quantizer hold `parts` parts, of which `part` is taken.
            fn defaults(part: usize, parts: usize) -> Self {
                let mut cdfs = Self { $($field: Distributions::EMPTY,)* };
                $({
                    let table: &[u16] = &$table;
                    let length = table.len() / parts;
                    cdfs.$field.load(&mut &table[part * length..]);
                })*
                cdfs
            }

            /// Sets all counts to zero.
            fn reset_counts(&mut self) {
                $(self.$field.reset_counts();)*
            }

            /// Shows each distribution, without its count, and the name of what it belongs to.
            #[cfg(test)]
            fn each(&self, see: &mut dyn FnMut(&'static str, &[u16])) {
                $(self.$field.each(&mut |cdf| see(concat!(stringify!($name), "::", stringify!($field)), cdf));)*
            }
        }
    };
}

distributions! {
    /// Distributions of modes and vectors.
    ModeCdfs {
        intra_frame_y_mode: [[Cdf<13>; 5]; 5] = modes::INTRA_FRAME_Y_MODE,
        y_mode: [Cdf<13>; 4] = modes::Y_MODE,
        uv_mode_cfl_not_allowed: [Cdf<13>; 13] = modes::UV_MODE_CFL_NOT_ALLOWED,
        uv_mode_cfl_allowed: [Cdf<14>; 13] = modes::UV_MODE_CFL_ALLOWED,
        angle_delta: [Cdf<7>; 8] = modes::ANGLE_DELTA,
        partition_w8: [Cdf<4>; 4] = modes::PARTITION_W8,
        partition_w16: [Cdf<10>; 4] = modes::PARTITION_W16,
        partition_w32: [Cdf<10>; 4] = modes::PARTITION_W32,
        partition_w64: [Cdf<10>; 4] = modes::PARTITION_W64,
        new_mv: [Cdf<2>; 6] = modes::NEW_MV,
        zero_mv: [Cdf<2>; 2] = modes::ZERO_MV,
        ref_mv: [Cdf<2>; 6] = modes::REF_MV,
        drl_mode: [Cdf<2>; 3] = modes::DRL_MODE,
        is_inter: [Cdf<2>; 4] = modes::IS_INTER,
        skip: [Cdf<2>; 3] = modes::SKIP,
        single_ref: [[Cdf<2>; 6]; 3] = modes::SINGLE_REF,
        mv_joint: Cdf<4> = modes::MV_JOINT,
        mv_class: [Cdf<11>; 2] = modes::MV_CLASS,
        mv_sign: [Cdf<2>; 2] = [modes::MV_SIGN, modes::MV_SIGN].concat(),
        mv_class0_bit: [Cdf<2>; 2] = [modes::MV_CLASS0_BIT, modes::MV_CLASS0_BIT].concat(),
        mv_bit: [[Cdf<2>; 10]; 2] = [modes::MV_BIT, modes::MV_BIT].concat(),
        intra_tx_type_set2: [[Cdf<5>; 13]; 3] = modes::INTRA_TX_TYPE_SET2,
        inter_tx_type_set3: [Cdf<2>; 4] = modes::INTER_TX_TYPE_SET3,
    }
}

distributions! {
    /// Distributions of palettes. Those of two plane types stand in one array, luma first.
    PaletteCdfs {
        y_mode: [[Cdf<2>; 3]; 7] = palette::PALETTE_Y_MODE,
        uv_mode: [Cdf<2>; 2] = palette::PALETTE_UV_MODE,
        size: [[Cdf<7>; 7]; 2] = [palette::PALETTE_Y_SIZE, palette::PALETTE_UV_SIZE].concat(),
        color: [ColorCdfs; 2] = [palette::PALETTE_Y_COLOR, palette::PALETTE_UV_COLOR].concat(),
    }
}

distributions! {
    /// Distributions of coefficients, for one context of the quantizer index. Transforms of 64 samples and of
    /// unequal sides are not used; the size is counted from 4x4.
    CoefCdfs {
        txb_skip: [[Cdf<2>; 13]; 5] = coef::TXB_SKIP,
        eob_pt_16: [[Cdf<5>; 2]; 2] = coef::EOB_PT_16,
        eob_pt_64: [[Cdf<7>; 2]; 2] = coef::EOB_PT_64,
        eob_pt_256: [[Cdf<9>; 2]; 2] = coef::EOB_PT_256,
        eob_pt_1024: [Cdf<11>; 2] = coef::EOB_PT_1024,
        eob_extra: [[[Cdf<2>; 9]; 2]; 5] = coef::EOB_EXTRA,
        dc_sign: [[Cdf<2>; 3]; 2] = coef::DC_SIGN,
        coeff_base_eob: [[[Cdf<3>; 4]; 2]; 5] = coef::COEFF_BASE_EOB,
        coeff_base: [[[Cdf<4>; 42]; 2]; 5] = base::COEFF_BASE,
        coeff_br: [[[Cdf<4>; 21]; 2]; 5] = base::COEFF_BR,
    }
}

/// Distributions of the colour indices of one plane type.
#[derive(Debug, Clone)]
pub(super) struct ColorCdfs {
    /// By size of the palette from 2 on, and context. Only as many numbers as the palette has colours are used.
    by_size: [[[u16; 8]; 5]; 7],
}

impl ColorCdfs {
    /// The distribution for a palette of `size` colours.
    pub(super) fn of(&mut self, size: usize, context: usize) -> &mut [u16] {
        &mut self.by_size[size - 2][context][..size]
    }
}

impl Distributions for ColorCdfs {
    const EMPTY: Self = Self { by_size: [[[0; 8]; 5]; 7] };

    fn load(&mut self, flat: &mut &[u16]) {
        for (size, contexts) in (2..).zip(&mut self.by_size) {
            for cdf in contexts {
                let (values, rest) = flat.split_at(size - 1);
                cdf[..size - 1].copy_from_slice(values);
                cdf[size - 1] = 0;
                *flat = rest;
            }
        }
    }

    fn reset_counts(&mut self) {
        for (size, contexts) in (2..).zip(&mut self.by_size) {
            for cdf in contexts {
                cdf[size - 1] = 0;
            }
        }
    }

    #[cfg(test)]
    fn each(&self, see: &mut dyn FnMut(&[u16])) {
        for (size, contexts) in (2..).zip(&self.by_size) {
            contexts.iter().for_each(|cdf| see(&cdf[..size - 1]));
        }
    }
}

/// All distributions of a frame.
#[derive(Debug, Clone)]
pub(super) struct Cdfs {
    pub(super) mode: ModeCdfs,
    pub(super) palette: PaletteCdfs,
    pub(super) coef: CoefCdfs,
}

impl Cdfs {
    /// The defaults for a key frame (`init_non_coeff_cdfs` and `init_coeff_cdfs`, section 7.20).
    pub(super) fn defaults(base_q_idx: u8) -> Self {
        let quantizer_context = match base_q_idx {
            0..=20 => 0,
            21..=60 => 1,
            61..=120 => 2,
            121.. => 3,
        };
        Self {
            mode: ModeCdfs::defaults(0, 1),
            palette: PaletteCdfs::defaults(0, 1),
            coef: CoefCdfs::defaults(quantizer_context, 4),
        }
    }

    /// What the next frame starts with.
    pub(super) fn reset_counts(&mut self) {
        self.mode.reset_counts();
        self.palette.reset_counts();
        self.coef.reset_counts();
    }

    /// Shows each distribution, without its count, and the name of what it belongs to.
    #[cfg(test)]
    pub(super) fn each(&self, see: &mut dyn FnMut(&'static str, &[u16])) {
        self.mode.each(see);
        self.palette.each(see);
        self.coef.each(see);
    }
}
