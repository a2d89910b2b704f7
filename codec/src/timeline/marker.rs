//! Points of a recording that a person may want to go to.

use serde::{Deserialize, Serialize};

/// A point of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// When, in milliseconds of media time.
    pub at_ms: i64,
    /// What.
    #[serde(flatten)]
    pub event: MarkerEvent,
}

/// What is to be found there. Texts are cut at a limit; none of them is what a user typed or copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MarkerEvent {
    /// The picture has another size.
    Resize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A clipboard was sent; its text is a keystroke.
    Clipboard {
        /// What it holds.
        mimetype: String,
        /// How much.
        bytes: u64,
    },
    /// A file was sent.
    File {
        /// Its name.
        name: String,
        /// What it holds.
        mimetype: String,
    },
    /// A pipe was opened.
    Pipe {
        /// Its name.
        name: String,
        /// What goes through it.
        mimetype: String,
    },
    /// The server told the user of an error.
    Error {
        /// What it said.
        text: String,
        /// Guacamole's status code.
        status: i32,
    },
    /// Somebody marked this point.
    Mark {
        /// What they called it.
        label: String,
    },
    /// The program in a terminal ended.
    Exit {
        /// Its status.
        status: String,
    },
    /// Media time does not follow the clock of the recording here.
    Gap {
        /// Why.
        cause: GapCause,
        /// The last timestamp before it, in milliseconds of the monotonic clock of the recording host.
        from_timestamp_ms: Option<i64>,
        /// The first timestamp after it.
        to_timestamp_ms: Option<i64>,
        /// What was skipped, if anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skipped: Option<SkippedBytes>,
    },
}

/// Why media time leaves the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// Nothing was recorded for longer than the limit.
    Silence,
    /// The clock went back: two recordings in one file, or a host that was started again.
    Backward,
    /// Damage was skipped.
    Damage,
}

/// Damage that was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedBytes {
    /// Where it starts, in bytes from the start of the recording.
    pub position: u64,
    /// How much was skipped.
    pub bytes: u64,
    /// What is wrong there.
    pub reason: String,
}

/// The markers of a recording as they come.
#[derive(Debug, Clone, Default)]
pub(super) struct Markers {
    list: Vec<Marker>,
    /// How many of each kind are in the list.
    kept: [usize; 8],
    left_out: u64,
}

impl Markers {
    /// Adds a marker, unless there are `kind_max` of its kind.
    pub(super) fn push(&mut self, at_ms: i64, event: MarkerEvent, kind_max: usize) {
        let kept = &mut self.kept[match event {
            MarkerEvent::Clipboard { .. } => 0,
            MarkerEvent::File { .. } => 1,
            MarkerEvent::Pipe { .. } => 2,
            MarkerEvent::Error { .. } => 3,
            MarkerEvent::Gap { .. } => 4,
            MarkerEvent::Resize { .. } => 5,
            MarkerEvent::Mark { .. } => 6,
            MarkerEvent::Exit { .. } => 7,
        }];
        if *kept >= kind_max {
            self.left_out += 1;
            return;
        }
        *kept += 1;
        self.list.push(Marker { at_ms, event });
    }

    /// Time begins here: what was before is at zero.
    pub(super) fn begin(&mut self) {
        for marker in &mut self.list {
            marker.at_ms = 0;
        }
    }

    /// All markers in the order of time, and how many were left out.
    pub(super) fn into_order(mut self) -> (Vec<Marker>, u64) {
        self.list.sort_by_key(|marker| marker.at_ms);
        (self.list, self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_told_in_order_and_bounded_for_each_kind() {
        let mut markers = Markers::default();
        let error = |text: &str| MarkerEvent::Error { text: text.to_owned(), status: 769 };
        let pipe = MarkerEvent::Pipe { name: "p".into(), mimetype: "text/plain".into() };
        markers.push(7, error("a"), 2);
        markers.push(3, pipe.clone(), 2);
        markers.push(8, error("b"), 2);
        markers.push(9, error("c"), 2);
        markers.push(7, MarkerEvent::Resize { width: 4, height: 3 }, 2);
        let expected = [
            Marker { at_ms: 3, event: pipe },
            Marker { at_ms: 7, event: error("a") },
            Marker { at_ms: 7, event: MarkerEvent::Resize { width: 4, height: 3 } },
            Marker { at_ms: 8, event: error("b") },
        ];
        assert_eq!(markers.into_order(), (expected.to_vec(), 1));
        let json = serde_json::to_string(&expected[1]).unwrap();
        assert_eq!(json, r#"{"at_ms":7,"kind":"error","text":"a","status":769}"#);
    }
}
