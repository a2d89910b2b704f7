//! From the bytes of a recording to an ordinary video file.
//!
//! The data's way: bytes are pushed into a [`source`], which yields instructions; a [`canvas`] draws them and
//! says what changed; [`video`] paces and encodes the changes; [`audio`] places and encodes the sound; [`mux`]
//! lays both out in a file.
//!
//! This crate never opens a file, never reads a clock, never spawns a task and never trusts its input: every
//! byte of a recording may have been written by an attacker, so each limit of [`limits`] is checked before
//! memory or time is spent.

pub mod audio;
pub mod canvas;
pub mod geometry;
pub mod limits;
pub mod mux;
pub mod picture;
pub mod source;
