/// The durable offset that a recorder is told never goes back, and never runs ahead of what was sent.
///
/// Answers may overtake one another on their way: each is compared with what was known when it was asked for.
#[derive(Debug, Default)]
pub(crate) struct DurableOffset;

impl DurableOffset {
    pub(crate) fn told(recorder: usize, offset: u64, known: u64, sent: u64) -> Result<(), String> {
        if offset < known {
            return Err(format!("recorder {recorder} knew {known}, asked, and was told {offset}"));
        }
        if offset > sent {
            return Err(format!("recorder {recorder} was told {offset} and has sent {sent} bytes"));
        }
        Ok(())
    }
}
