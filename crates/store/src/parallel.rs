//! A few pieces of work side by side: a question that looks at much uses the cores there are.

use std::sync::OnceLock;

use crate::limits::SCAN_THREADS_MAX;

/// How many pieces are worth doing at once.
pub fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from).min(SCAN_THREADS_MAX))
}

/// Does `work` for each item, each on a thread of its own (the first on this one); answers in the order of the items, which
/// should be [`threads`] at most.
pub fn each<T: Send, R: Send>(items: Vec<T>, work: &(dyn Fn(T) -> R + Sync)) -> Vec<R> {
    let mut items = items.into_iter();
    let Some(first) = items.next() else { return Vec::new() };
    std::thread::scope(|scope| {
        let others: Vec<_> = items.map(|item| scope.spawn(move || work(item))).collect();
        let mut done = vec![work(first)];
        // A panic goes on as if there were one thread.
        done.extend(
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        );
        done
    })
}
