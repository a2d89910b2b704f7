//! The service as `build.rs` writes it.

#![expect(
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::default_constructed_unit_structs,
    unreachable_pub,
    reason = "written by tonic-build"
)]

include!(concat!(env!("OUT_DIR"), "/custody.Members.rs"));
include!(concat!(env!("OUT_DIR"), "/custody.Gate.rs"));
