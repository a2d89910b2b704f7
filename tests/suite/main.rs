//! The promises of the product, one module each, held against the binary and real recordings.

mod architecture;
mod bad_input;
mod bit_flip;
mod canary;
mod conversion;
mod cut;
mod drains;
mod evidence;
mod frames;
mod hostile;
mod inspect;
mod interruption;
mod joining;
mod kill;
mod many;
mod members;
mod moves;
mod pictures;
mod power_cut;
mod purged;
mod repair;
mod resume;
mod scenario;
mod sound;
mod synchronisation;
mod view;
