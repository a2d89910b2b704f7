//! From the bytes of a recording to an ordinary video file.
//!
//! The data's way: bytes are pushed into a [`source`], which yields instructions; [`timeline`] folds them into
//! facts without drawing; a [`replay`] draws them on a [`canvas`]; [`video`] paces and encodes what changed;
//! [`audio`] places and encodes the sound; [`mux`] lays both out in a file.
//!
//! This crate never opens a file, never reads a clock, never spawns a task and never trusts its input: every
//! byte of a recording may have been written by an attacker, so each limit of [`limits`] is checked before
//! memory or time is spent.

pub mod audio;
pub mod canvas;
pub mod captions;
pub mod cost;
pub mod cut;
pub mod fuzzing;
pub mod geometry;
pub mod key_states;
pub mod limits;
pub mod matrix;
pub mod mux;
pub mod picture;
pub mod postgres;
pub mod refusal;
pub mod replay;
pub mod screen;
pub mod seek;
pub mod source;
pub mod terminal;
pub mod timeline;
pub mod video;
pub mod view;
