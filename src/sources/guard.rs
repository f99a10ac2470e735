//! A fence around the workbook parser: what panics in there is a damaged file, not the end of the run.
//!
//! The parser indexes into records of old formats without looking at their length. Its result is thrown away when
//! it panics, so nothing half-done is kept.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does the work; `None` where it panicked. Nothing is printed then, and panics elsewhere are told as always.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                before(info);
            }
        }));
    });
    IS_GUARDED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(false);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_is_no_result() {
        assert_eq!(guarded(|| 7), Some(7));
        let short = [1u8, 2];
        assert_eq!(guarded(|| short[usize::from(short[1])]), None);
        assert!(!IS_GUARDED.get());
    }
}
