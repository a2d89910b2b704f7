//! How far a long run is, for who watches it.

/// Says it.
#[expect(clippy::print_stderr, reason = "who runs a soak sees how far it is")]
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}
