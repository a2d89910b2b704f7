//! What the tests of the whole product share: the binary, run with a deadline; the recordings of `tests/data` with
//! their facts; pictures; processes and their children; members that are killed or lose their power.
//!
//! Nothing here knows how Custody works inside: it sees files, exit codes and messages, as a user does. The program
//! `appender` beside it is the only one that opens a member's folder.

#![expect(clippy::missing_errors_doc, reason = "every error here fails a test and explains itself")]

mod absence;
mod acknowledged;
mod appender;
mod canary;
mod certificates;
mod clocks;
mod custody;
mod cut;
mod databases;
mod drains;
mod fault;
mod hook;
mod hostile;
mod joining;
mod kill;
mod latency;
mod leaks;
mod links;
mod looker;
mod loop_disk;
mod mail_server;
mod many;
mod measure;
mod members;
mod memory;
mod paths;
mod picture;
mod ports;
mod postgres;
mod power_cut;
mod processes;
mod purges;
mod races;
mod random;
mod ranges;
mod recorder;
mod recordings;
mod repairs;
mod requests;
mod resume;
mod said;
mod scenario;
mod servers;
mod sessions;
mod strike;
mod trio;

pub use absence::{Absence, Gap, TimelineGap, absence};
pub use acknowledged::{Acknowledged, Verdict, content};
pub use appender::{Appender, Subject, Syncs, scratch_folder};
pub use clocks::{ClocksOutcome, clocks};
pub use custody::{Custody, Ended, Running};
pub use cut::{Cut, Outcome};
pub use databases::{DatabasesOutcome, Stated, databases};
pub use drains::{Drains, DrainsOutcome};
pub use fault::Fault;
pub use hostile::{Case, Expected, Measured, Outcome as HostileOutcome, Trials, Variant, cases};
pub use joining::{JoiningOutcome, joining};
pub use kill::{Kills, KillsOutcome};
pub use latency::Latency;
pub use leaks::{Leaks, LeaksOutcome};
pub use loop_disk::{Frozen, LoopDisk, PowerSwitch};
pub use many::{ManySessions, ManySessionsOutcome};
pub use measure::{Measure, build_id, video_of};
pub use members::{Members, MembersOutcome, Struck};
pub use memory::children_peak_kib;
pub use paths::{binary, data, program, repository};
pub use picture::{Image, psnr_db};
pub use power_cut::{PowerCuts, PowerCutsOutcome};
pub use processes::{children_of, computed_ticks, is_alive, wait_until};
pub use purges::{PurgesOutcome, purges};
pub use races::{Races, RacesOutcome};
pub use random::Random;
pub use ranges::{Ranges, RangesOutcome};
pub use recordings::{Pointer, Recording, ReferenceFrame, ScreenSize, Typed, recording, recordings};
pub use repairs::{Agreement, Repairs, RepairsOutcome};
pub use requests::{Rate, Requests, RequestsOutcome};
pub use resume::{ResumeTimes, Resumes, ResumesOutcome};
pub use said::{Call, ClockTold};
pub use scenario::scenario;
pub use servers::answer_to_a_new_token;
pub use sessions::{Sessions, SessionsOutcome};
