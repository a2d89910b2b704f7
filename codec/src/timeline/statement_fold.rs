//! Folds the lines of a database session into its timeline.

use super::event_counts::EventCounts;
use super::heat_map::{Events, HeatMap};
use super::idle::ActiveSpans;
use super::marker::{GapCause, MarkerEvent, Markers};
use super::session_span::SessionSpan;
use super::statement::Statements;
use super::timeline::{Ending, SizeChange, SyncPoint, Timeline};
use crate::cost::Cost;
use crate::geometry::Size;
use crate::limits::Limits;
use crate::source::db_lines::{LineReader, Outcome, ReadError, ReadLine, Transcript};
use crate::source::guac::MediaTime;

/// Takes the bytes of a recording in db-lines as they come; gives its [`Timeline`] at any time. Each statement counts as
/// a frame.
pub struct StatementFold {
    limits: Limits,
    reader: LineReader,
    bytes: u64,
    cost: Cost,
    damage: Option<Ending>,
    time: MediaTime,
    /// As the last line has it.
    last_t_ms: i64,
    frames: EventCounts,
    used: ActiveSpans,
    markers: Markers,
    statements: Statements,
    /// What is simply counted and listed.
    counted: Timeline,
    session: Option<SessionSpan>,
}

impl StatementFold {
    /// Starts at byte 0.
    pub fn new(limits: Limits) -> Self {
        let mut time = MediaTime::new(limits.gap_ms);
        // Lines count from the beginning of the session.
        time.sync(0);
        // Its transcript is drawn in one size.
        let Size { width, height } = Transcript::size();
        let counted = Timeline {
            version: Timeline::VERSION,
            format: Timeline::DB_LINES.into(),
            sizes: vec![SizeChange { at_ms: 0, width, height }],
            ..Timeline::default()
        };
        Self {
            limits,
            reader: LineReader::default(),
            bytes: 0,
            cost: Cost::default(),
            damage: None,
            time,
            last_t_ms: 0,
            frames: EventCounts::default(),
            used: ActiveSpans::new(limits.timeline_spans),
            markers: Markers::default(),
            statements: Statements::default(),
            counted,
            session: None,
        }
    }

    /// The session of the recording lasted so long.
    pub fn lasted(&mut self, session: SessionSpan) {
        self.session = Some(session);
    }

    /// Adds the next bytes. After damage they are only counted.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.damage.is_some() {
            return;
        }
        self.reader.push(bytes);
        loop {
            match self.reader.read() {
                Ok(Some(read)) => self.fold(read),
                Ok(None) => return,
                Err(error) => self.damage = Some(ending(error)),
            }
            if self.damage.is_some() {
                return;
            }
        }
    }

    /// The timeline of what has come so far, as if the recording ended here.
    pub fn timeline(&self) -> Timeline {
        let ending = match &self.damage {
            Some(ending) => ending.clone(),
            None => self.reader.finish().map_or_else(ending, |()| Ending::Whole),
        };
        let recorded_ms = self.time.now_ms();
        let reach_ms = self.session.map_or(0, |session| session.reach_ms(None));
        let media_duration_ms = recorded_ms.max(reach_ms);
        let events = Events {
            duration_ms: media_duration_ms,
            frames: self.frames.clone(),
            keys: EventCounts::default(),
        };
        let (markers, markers_left_out) = self.markers.clone().into_order();
        let (statements, statements_left_out) = self.statements.kept();
        Timeline {
            bytes: self.bytes,
            ending,
            media_duration_ms,
            recorded_ms: (media_duration_ms > recorded_ms).then_some(recorded_ms),
            markers,
            markers_left_out,
            statements,
            statements_left_out,
            idle: self.used.pauses(&ActiveSpans::new(1), media_duration_ms),
            idle_min_ms: self.used.pause_ms(),
            heat_map: HeatMap::new(&events, HeatMap::BUCKETS),
            events,
            ..self.counted.clone()
        }
    }

    fn fold(&mut self, read: ReadLine) {
        let ReadLine { line, end_byte } = read;
        self.cost.read(end_byte - self.counted.readable_bytes);
        let cost_max = self.limits.cost_max(self.time.now_ms());
        if self.cost > cost_max {
            let position = self.counted.readable_bytes;
            let error = ReadError::TimeBudget { position, limit_ms: cost_max.ms() };
            self.damage = Some(ending(error));
            return;
        }
        self.counted.readable_bytes = end_byte;
        let at_ms = self.follow(i64::try_from(line.t_ms).unwrap_or(i64::MAX));
        let word = match line.outcome {
            Outcome::Ok { .. } => "ok",
            Outcome::Error { .. } => "error",
        };
        *self.counted.instructions.entry(word.into()).or_default() += 1;
        let gap_ms = at_ms - self.counted.syncs.last().map_or(0, |sync| sync.at_ms);
        self.counted.longest_gap_ms = self.counted.longest_gap_ms.max(gap_ms);
        self.frames.push(at_ms, self.limits.timeline_counts);
        self.used.push(at_ms, at_ms);
        let index = self.counted.sync_count;
        self.counted.sync_count += 1;
        super::facts::push_sync(
            &mut self.counted.syncs,
            SyncPoint { index, at_ms, end_byte, dirty_pixels: 0 },
            self.limits.timeline_syncs,
        );
        self.statements.push(at_ms, line, &self.limits);
    }

    /// Brings media time to that of a line, which gives it.
    fn follow(&mut self, t_ms: i64) -> i64 {
        let jumps = self.time.jumps();
        let at_ms = self.time.event(t_ms);
        let from_ms = std::mem::replace(&mut self.last_t_ms, t_ms);
        if self.time.jumps() > jumps {
            let cause = if t_ms < from_ms { GapCause::Backward } else { GapCause::Silence };
            let (from_timestamp_ms, to_timestamp_ms) = (Some(from_ms), Some(t_ms));
            let event = MarkerEvent::Gap { cause, from_timestamp_ms, to_timestamp_ms, skipped: None };
            self.markers.push(at_ms, event, self.limits.timeline_markers);
        }
        at_ms
    }
}

fn ending(error: ReadError) -> Ending {
    match error {
        ReadError::Truncated { position, .. } => Ending::Truncated { position },
        ReadError::Line { .. } | ReadError::TimeBudget { .. } => {
            Ending::Damaged { code: error.code(), position: error.position(), reason: error.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::db_lines::Line;
    use crate::timeline::{IdleSpan, Marker, Statement};

    fn line(t_ms: u64, statement: &str, outcome: Outcome) -> String {
        Line { t_ms, database: "d".into(), statement: statement.into(), outcome }.to_json()
    }

    fn folded(bytes: &str, limits: Limits) -> Timeline {
        let mut fold = StatementFold::new(limits);
        for piece in bytes.as_bytes().chunks(11) {
            fold.push(piece);
        }
        fold.timeline()
    }

    #[test]
    fn statements_make_a_timeline() {
        let failed = Outcome::Error { sqlstate: "42601".into(), message: "syntax error".into() };
        let (first, second) =
            (line(1_500, "select 1", Outcome::Ok { rows: Some(1) }), line(1_400, "selec", failed.clone()));
        let last = line(9_000, "commit", Outcome::Ok { rows: None });
        let timeline = folded(&format!("{first}{second}{last}{{\"v\""), Limits::default());
        let statement = |at_ms, text: &str, outcome| Statement {
            at_ms,
            text: text.into(),
            text_left_out: 0,
            database: "d".into(),
            outcome,
        };
        let expected = [
            statement(1_500, "select 1", Outcome::Ok { rows: Some(1) }),
            statement(1_500, "selec", failed),
            statement(9_000, "commit", Outcome::Ok { rows: None }),
        ];
        assert_eq!(timeline.statements, expected);
        let readable_bytes = u64::try_from(first.len() + second.len() + last.len()).unwrap();
        assert_eq!((timeline.bytes, timeline.readable_bytes), (readable_bytes + 4, readable_bytes));
        assert_eq!(timeline.ending, Ending::Truncated { position: readable_bytes });
        assert_eq!(
            (timeline.media_duration_ms, timeline.sync_count, timeline.longest_gap_ms),
            (9_000, 3, 7_500)
        );
        assert_eq!(
            timeline.idle,
            [IdleSpan { start_ms: 0, end_ms: 1_500 }, IdleSpan { start_ms: 1_500, end_ms: 9_000 }]
        );
        assert_eq!(timeline.events.frames.iter().map(|(_, count)| count).sum::<u32>(), 3);
        let ends: Vec<_> = timeline.syncs.iter().map(|sync| (sync.at_ms, sync.end_byte)).collect();
        let length = |text: &String| u64::try_from(text.len()).unwrap();
        assert_eq!(
            ends,
            [(1_500, length(&first)), (1_500, length(&first) + length(&second)), (9_000, readable_bytes)]
        );
        let json = serde_json::to_value(&timeline).unwrap();
        let written = serde_json::json!({ "at_ms": 1_500, "text": "select 1", "database": "d", "outcome": "ok", "rows": 1 });
        assert_eq!((&json["statements"][0], &json["instructions"]["error"]), (&written, &1.into()));
        assert_eq!(serde_json::from_value::<Timeline>(json).unwrap(), timeline);
    }

    #[test]
    fn a_session_that_goes_on_behind_its_last_statement_is_told_to_its_end() {
        let bytes = line(1_500, "select 1", Outcome::Ok { rows: None });
        let mut fold = StatementFold::new(Limits::default());
        fold.push(bytes.as_bytes());
        fold.lasted(SessionSpan { start_ms: 40, end_ms: 100_040 });
        let timeline = fold.timeline();
        assert_eq!((timeline.media_duration_ms, timeline.recorded_ms), (100_000, Some(1_500)));
        assert_eq!(timeline.idle[1], IdleSpan { start_ms: 1_500, end_ms: 100_000 });
        assert_eq!((timeline.events.duration_ms, timeline.heat_map.frames[1]), (100_000, 1));
    }

    #[test]
    fn a_recording_ends_where_a_line_is_refused() {
        let good = line(5, "select 1", Outcome::Ok { rows: None });
        let timeline = folded(&format!("{good}{{\"v\":1,\"row\":1}}\n{good}"), Limits::default());
        let position = u64::try_from(good.len()).unwrap();
        let Ending::Damaged { code, position: at, reason } = &timeline.ending else { unreachable!() };
        assert_eq!((code.to_string().as_str(), *at, timeline.statements.len()), ("MALFORMED", position, 1));
        assert!(reason.contains("line 2: expected the fields"), "{reason}");
    }

    #[test]
    fn what_is_kept_of_statements_is_bounded_and_what_is_not_is_counted() {
        let ok = || Outcome::Ok { rows: None };
        let bytes =
            [line(0, "abcdef", ok()), line(1, "\u{1}", ok()), line(2, "b", ok()), line(3, "", ok())].concat();
        let limits = Limits { statements: 2, statement_chars: 4, ..Limits::default() };
        let timeline = folded(&bytes, limits);
        let kept: Vec<_> =
            timeline.statements.iter().map(|kept| (kept.text.as_str(), kept.text_left_out)).collect();
        assert_eq!(
            (kept, timeline.statements_left_out, timeline.sync_count),
            (vec![("abcd", 2), ("\u{1}", 0)], 2, 4)
        );
        let limits = Limits { statement_bytes: 130, ..Limits::default() };
        let timeline = folded(&bytes, limits);
        assert_eq!((timeline.statements.len(), timeline.statements_left_out), (2, 2));
    }

    #[test]
    fn times_of_another_clock_are_gaps_and_never_run_backwards() {
        const DAY_MS: u64 = 86_400_000;
        let ok = || Outcome::Ok { rows: None };
        let times = [10_000, 1, 2, 3 * DAY_MS, u64::MAX];
        let bytes: String = times.map(|t_ms| line(t_ms, "x", ok())).concat();
        let timeline = folded(&bytes, Limits::default());
        let at_ms: Vec<_> = timeline.statements.iter().map(|statement| statement.at_ms).collect();
        assert_eq!(at_ms, [10_000, 10_000, 10_001, 10_001, 10_001]);
        let gap = |at_ms, cause, from: i64, to: i64| Marker {
            at_ms,
            event: MarkerEvent::Gap {
                cause,
                from_timestamp_ms: Some(from),
                to_timestamp_ms: Some(to),
                skipped: None,
            },
        };
        let day = i64::try_from(DAY_MS).unwrap();
        let expected = [
            gap(10_000, GapCause::Backward, 10_000, 1),
            gap(10_001, GapCause::Silence, 2, 3 * day),
            gap(10_001, GapCause::Silence, 3 * day, i64::MAX),
        ];
        assert_eq!(timeline.markers, expected);
    }
}
