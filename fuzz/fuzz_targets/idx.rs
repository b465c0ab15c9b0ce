//! One of the readers of `tests/mangled/readers.rs`.
#![no_main]

mod shared;

libfuzzer_sys::fuzz_target!(|found: &[u8]| shared::read("idx", found));
