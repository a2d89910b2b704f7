//! The promises of the product, one module each, held against the binary and real recordings.

mod architecture;
mod conversion;
mod frames;
mod hostile;
mod inspect;
mod interruption;
mod pictures;
mod sound;
