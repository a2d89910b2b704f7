//! The promises of the product, one module each, held against the binary and real recordings.

mod architecture;
mod bad_input;
mod bit_flip;
mod canary;
mod conversion;
mod cut;
mod databases;
mod drains;
mod frames;
mod hostile;
mod inspect;
mod interruption;
mod joining;
mod kill;
mod many;
mod members;
mod pictures;
mod power_cut;
mod purged;
mod repair;
mod resume;
mod scenario;
mod sound;
mod view;
