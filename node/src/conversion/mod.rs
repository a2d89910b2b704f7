//! A recording becomes a video: read once without pixels, planned, coded by worker processes, laid out.

mod convert;
mod part;
mod survey;

pub(crate) use convert::{Conversion, Report};
pub(crate) use survey::survey;
