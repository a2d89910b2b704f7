//! A recording becomes a video: read once without pixels, planned, coded by worker processes, laid out.

mod coded;
mod convert;
mod fragments;
mod indexed;
mod part;
mod pictures;
mod runs;
mod side_car;
mod sound;
mod survey;
mod work;

pub(crate) use convert::{Conversion, ConversionSettings, ConvertError, Report};
pub(crate) use part::PartError;
pub(crate) use side_car::SideCarFile;
pub(crate) use survey::{Surveyed, survey};
