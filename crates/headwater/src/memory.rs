//! How the allocator gives memory back to the system. A server keeps what it freed for a while, because the next burst
//! takes it again; a command that runs beside a system under test is better small than a little faster.

use std::ffi::{c_int, c_long};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 2 and 3: milliseconds until freed pages go back; 1,000 unless set, and ten times as
/// long for whole arenas.
const PURGE_DELAY: c_int = 15;
/// A command that runs for a while gives freed pages back after this, ms: measured, a run of large traces takes little
/// more than half of the memory, and a tenth more time.
const PURGE_DELAY_SMALL_MS: c_long = 5;

#[expect(unsafe_code, reason = "declared in mimalloc.h as they stand here")]
unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
    #[cfg(test)]
    fn mi_option_get(option: c_int) -> c_long;
}

/// From now on memory that was freed goes back to the system soon. What `MIMALLOC_PURGE_DELAY` says wins.
#[expect(unsafe_code, reason = "the allocator's options have no safe interface; setting one stores a number")]
pub fn give_back_soon() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        // SAFETY: the function takes two integers and may be called at any time; the option exists (see the test).
        unsafe { mi_option_set(PURGE_DELAY, PURGE_DELAY_SMALL_MS) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "as above")]
    fn the_option_is_the_one_meant() {
        // SAFETY: as above.
        let delay = || unsafe { mi_option_get(PURGE_DELAY) };
        // Where the environment says nothing, no other option has this default.
        if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
            assert_eq!(delay(), 1_000);
            give_back_soon();
            assert_eq!(delay(), PURGE_DELAY_SMALL_MS);
        }
    }
}
