//! Files of sound.

use super::limits;
use crate::audio::SideCar;
use crate::limits::Limits;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};

/// Any bytes are refused, or heard within the limits, and the mix has what the survey says.
pub fn audio(data: &[u8]) {
    let Some((&offset, data)) = data.split_first() else { return };
    let offset_ms = i64::from(offset.cast_signed()) * 10;
    // What goes wrong inside of symphonia is caught where it is called: a fuzzer's hook would end the process before.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let compared = catch_unwind(AssertUnwindSafe(|| surveyed_and_mixed(data, offset_ms)));
    set_hook(hook);
    let (surveyed, mixed) = compared.unwrap_or_else(|panic| resume_unwind(panic));
    assert_eq!(surveyed, mixed, "the survey and the mix disagree");
}

/// The refusal, or where the sound ends and how, by the survey and by the mix.
fn surveyed_and_mixed(data: &[u8], offset_ms: i64) -> (Heard, Heard) {
    let limits = Limits { side_car_ms: 3_000, ..limits() };
    let surveyed = match SideCar::survey(Cursor::new(data.to_vec()), offset_ms, &limits) {
        Ok(survey) => Heard { end_ms: survey.end_ms, loss: survey.loss.map(|loss| loss.to_string()) },
        Err(error) => Heard { end_ms: 0, loss: Some(format!("{}: {error}", error.code())) },
    };
    let mixed = match SideCar::open(Cursor::new(data.to_vec()), offset_ms, &limits) {
        Ok(side_car) => Heard::of_mix(side_car),
        Err(error) => Heard { end_ms: 0, loss: Some(format!("{}: {error}", error.code())) },
    };
    (surveyed, mixed)
}

/// What is heard of a file.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    end_ms: i64,
    loss: Option<String>,
}

impl Heard {
    fn of_mix(mut side_car: SideCar) -> Self {
        let end_ms = side_car.heard_ms(&mut |level| assert!(level.is_finite(), "a level that is no number"));
        let loss = side_car.loss().map(|error| format!("{}: {error}", error.code()));
        Self { end_ms, loss }
    }
}
