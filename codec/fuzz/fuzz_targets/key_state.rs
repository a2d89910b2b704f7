//! The oracle `codec::fuzzing::key_state` on the fuzzer's bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| codec::fuzzing::key_state(data));
