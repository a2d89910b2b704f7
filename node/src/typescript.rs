//! A typescript and its timing, joined to one recording.

use codec::source::terminal::{TypescriptHead, typescript_head};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What is needed beside a typescript.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypescriptFiles {
    /// The timing; without, what stands beside the typescript under the same name with `.timing` or `.tm`.
    pub(crate) timing: Option<PathBuf>,
    /// Columns and rows, if they are known.
    pub(crate) size: Option<(u64, u64)>,
}

/// The size of terminals that do not tell theirs.
const SIZE: (u64, u64) = (80, 24);

impl TypescriptFiles {
    /// The timing of a typescript, if there is one.
    pub(crate) fn timing_of(&self, typescript: &Path) -> Option<PathBuf> {
        let appended = |end: &str| {
            let mut name = typescript.file_name()?.to_owned();
            name.push(end);
            Some(typescript.with_file_name(name))
        };
        let beside = [
            appended(".timing"),
            Some(typescript.with_extension("timing")),
            appended(".tm"),
            Some(typescript.with_extension("tm")),
        ];
        let is_other = |path: &PathBuf| path != typescript && path.is_file();
        self.timing.clone().or_else(|| beside.into_iter().flatten().find(is_other))
    }

    /// Both as one recording, in an unnamed temporary file.
    pub(crate) fn join(&self, timing: &Path, typescript: &mut impl io::Read) -> io::Result<File> {
        let mut timing = File::open(timing)?;
        let (columns, rows) = self.size.unwrap_or(SIZE);
        let head = TypescriptHead { timing_bytes: timing.metadata()?.len(), columns, rows };
        let mut joined = tempfile::tempfile()?;
        joined.write_all(typescript_head(&head).as_bytes())?;
        let copied = io::copy(&mut timing, &mut joined)?;
        if copied != head.timing_bytes {
            return Err(io::Error::other("the timing changes while it is read"));
        }
        io::copy(typescript, &mut joined)?;
        joined.seek(SeekFrom::Start(0))?;
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_timing_is_found_beside_its_typescript_and_joined_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let typescript = folder.path().join("a.typescript");
        let files = TypescriptFiles { timing: None, size: Some((85, 39)) };
        assert_eq!(files.timing_of(&typescript), None);
        let timing = folder.path().join("a.typescript.timing");
        std::fs::write(&timing, "0.1 2\n").unwrap();
        assert_eq!(files.timing_of(&typescript), Some(timing.clone()));
        let mut text = String::new();
        files.join(&timing, &mut &b"title\nab"[..]).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "#custody-typescript 1 timing=6 size=85x39\n0.1 2\ntitle\nab");
    }
}
