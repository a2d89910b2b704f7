//! A recording becomes a video: read once without pixels, planned, coded by worker processes, laid out.

mod convert;
mod part;
mod survey;

pub(crate) use convert::{Conversion, ConvertError, Report};
pub(crate) use part::PartError;
pub(crate) use survey::survey;
