//! The oracle `codec::fuzzing::audio` on the fuzzer's bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| codec::fuzzing::audio(data));
