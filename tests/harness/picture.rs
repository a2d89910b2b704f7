//! Pictures, and how far one is from another.

use anyhow::{Context, ensure};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// A picture of red, green and blue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row from the top left.
    pub pixels: Vec<[u8; 3]>,
}

impl Image {
    /// Reads a PNG; transparency is dropped.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let mut decoder = png::Decoder::new(BufReader::new(file));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut samples = vec![0; reader.output_buffer_size().context("a picture that fits memory")?];
        let info = reader.next_frame(&mut samples)?;
        let channels = info.color_type.samples();
        ensure!(channels >= 3, "expected colours in {}", path.display());
        let pixels = samples.chunks_exact(channels).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Ok(Self { width: usize::try_from(info.width)?, height: usize::try_from(info.height)?, pixels })
    }
}

/// Peak signal-to-noise ratio over red, green and blue; infinite when equal.
pub fn psnr_db(a: &Image, b: &Image) -> anyhow::Result<f64> {
    ensure!(
        (a.width, a.height) == (b.width, b.height),
        "pictures of {}x{} and {}x{}",
        a.width,
        a.height,
        b.width,
        b.height
    );
    let samples = || a.pixels.as_flattened().iter().zip(b.pixels.as_flattened());
    let squares: u64 = samples().map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a figure for comparison")]
    let mean = squares as f64 / samples().len() as f64;
    Ok(10.0 * (255.0_f64.powi(2) / mean).log10())
}
