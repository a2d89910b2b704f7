//! The door as a whole.
